"""The jobs: seven verbs in a row, each writing one layer of the lake."""
