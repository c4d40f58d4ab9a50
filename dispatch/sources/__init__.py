"""Where issues come from: folders, web pages, feeds, mailboxes and single addresses.

`source` says what a source is; `folder`, `mailbox` and `pages` are the kinds; `web` asks servers, politely and within
bounds, and `robots` whether it may; `parsing` has what strangers wrote read in a process of its own (`parse`);
`memory` is what each source remembers. `dispatch.lookout` looks at them and has what they find taken in.
"""
