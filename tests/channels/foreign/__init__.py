"""The receiver's side of Standard Webhooks that others wrote (npm `standardwebhooks`, MIT), under Node.js.

It needs `npm ci` in this folder.
"""
