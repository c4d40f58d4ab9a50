"""Mail about our mail: reports that it came back, complaints, and wishes to leave that come by mail.

`report` reads what strangers wrote, by `dispatch.mime` and within bounds of time and memory; `desk` finds by a
signature whom it is about and lets it act (`dispatch.delivery.bounces`); `maildir`, `imap` and `listener` are where it
comes from.
"""
