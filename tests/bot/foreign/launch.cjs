// Runs telegram-test-api, a Bot API emulator that others wrote, on a free port of 127.0.0.1; prints {"port": …}.
//
// The emulator is as it was published. What it lacks for aiogram to talk to it at all is mended in front of it:
//   getMe        says is_bot
//   getUpdates   waits for `timeout` seconds, and gives callback queries their chat_instance
//   setMy…, setChatMenuButton, sendChatAction   answer true instead of "not supported"
// and for tests to wait without asking again and again:
//   POST /until {token, chatId, text}   answers with the bot's messages in a chat once one of them has the text
'use strict';

const express = require('express');
const { TelegramServer } = require('telegram-test-api/lib/telegramServer');

const emulator = new TelegramServer();
emulator.setMaxListeners(0);
const front = express();
front.use(express.json());
front.use(express.urlencoded({ extended: true }));

front.all('/bot:token/getMe', (_req, res) => {
  res.json({ ok: true, result: { id: 666, is_bot: true, first_name: 'Test', username: 'TestNameBot' } });
});

front.all('/bot:token/getUpdates', async (req, res) => {
  const { token } = req.params;
  const seconds = Number(req.body.timeout || req.query.timeout || 0);
  const waits = () => emulator.storage.userMessages.some((update) => update.botToken === token && !update.isRead);
  await until(waits, ['AddedUserMessage', 'AddedUserCommand', 'AddedUserCallbackQuery'], seconds * 1000, req);
  if (req.socket.destroyed) return; // nobody would get what counts as read then
  const updates = emulator.getUpdates(token);
  updates.filter((update) => update.callback_query).forEach((update) => {
    update.callback_query.chat_instance = '1';
  });
  res.json({ ok: true, result: updates });
});

front.all(/^\/bot[^/]+\/(setMy\w+|deleteMy\w+|setChatMenuButton|sendChatAction)$/, (_req, res) => {
  res.json({ ok: true, result: true });
});

front.post('/until', async (req, res) => {
  const { token, chatId, text } = req.body;
  const messages = () => emulator.storage.botMessages
    .filter((update) => update.botToken === token && String(update.message.chat_id) === String(chatId))
    .map((update) => ({ ...update.message, message_id: update.messageId }));
  const said = () => messages().some((message) => String(message.text).includes(text));
  const found = await until(said, ['AddedBotMessage', 'EditedMessageText', 'EditedMessageReplyMarkup'], 20000, req);
  res.json({ found, messages: messages() });
});

front.use(emulator.webServer);

/** Waits until `condition` holds, looked at again after each of `events`; whether it holds in the end. */
function until(condition, events, milliseconds, req) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      events.forEach((event) => emulator.off(event, look));
      req.socket.off('close', end);
      resolve(condition());
    };
    const look = () => condition() && end();
    const timer = setTimeout(end, milliseconds);
    events.forEach((event) => emulator.on(event, look));
    req.socket.once('close', end);
    look();
  });
}

const listening = front.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: listening.address().port })}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0)); // the test that started this is gone
