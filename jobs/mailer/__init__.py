"""The mailer: the only place that sends mail. No Spark; one process, on the driver's side.

    notice.py    what is to be said to whom (Notice), and what became of it (Outcome)
    timers.py    when a step is due and when it is stale
    quiet.py     when quiet hours end, by the recipient's wall clock
    wording.py   hostile text made harmless; amounts and times as people write them
    message.py   a mail of one or several notices, from the templates
    senders.py   what a sender is, and the one that writes files
    smtp.py      the one that speaks SMTP
    journal.py   which notices went out, kept beside the outbox; one sender at a time
    mailer.py    decides what is sent now, and what waits
    opened.py    all of it for an environment

A notice goes out at least once. Every mail has a Message-ID made of its `mail_key`, so a repeat
can be told from a second mail. A repeat happens only where the process died, or the connection
broke, between the server's taking the mail and the journal's noting it. The domain of these ids
must stay what it is, else a repeat looks new.
"""
