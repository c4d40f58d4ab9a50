"""The parts of the Bot API server `dispatch.testing.bot_api`.

| module | what it has |
|---|---|
| `world`, `users`, `chats`, `groups`, `members`, `messages` | who and what is there, and what a test can do to it |
| `bots`, `updates`, `webhooks` | a token's bot, what waits for it, and how it is given it |
| `methods`; `sending`, `editing`, `queries`, `membership`, `profile`, `receiving` | the methods |
| `calls`, `keyboards`, `entities` | reading and checking what a bot says |
| `limits`, `faults`, `signal` | flood limits, injected faults, waiting |
"""
