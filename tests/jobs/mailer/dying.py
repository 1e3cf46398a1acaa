"""A process that sends five notices and kills itself at a moment: PORT FOLDER WHEN MAIL.

WHEN is before, after (sent, and not yet in the journal) or noted; MAIL counts from 0.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from conf.notice_settings import load_notices_policy
from jobs.mailer.journal import Journal
from jobs.mailer.mailer import Mailer
from jobs.mailer.senders import Mail
from jobs.mailer.smtp import SmtpSender
from tests.jobs.mailer.post import FROM, FakeClock, notice

port, folder, when, last = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def die(moment: str, number: int) -> None:
    if (moment, number) == (when, last):
        os.kill(os.getpid(), signal.SIGKILL)


class DyingSender(SmtpSender):
    count = 0

    def send(self, mail: Mail) -> None:
        die("before", self.count)
        super().send(mail)
        die("after", self.count)
        self.count += 1


class DyingJournal(Journal):
    count = 0

    def note(self, mail_key: str, keys: Iterable[str], at: datetime) -> None:
        super().note(mail_key, keys, at)
        die("noted", self.count)
        self.count += 1


sender = DyingSender(
    "127.0.0.1", port, starttls=False, own_name="sender.example", timeout_seconds=20,
    mails_a_connection=100,
)  # fmt: skip
mailer = Mailer(sender, load_notices_policy(), FakeClock(), DyingJournal(folder), FROM)
mailer.send([notice(number) for number in range(5)])
