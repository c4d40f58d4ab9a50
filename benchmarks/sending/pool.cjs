// nodemailer's pool: node pool.cjs MODULE ready|built PORT MESSAGES PARTS.json
// Prints {"seconds": …, "cpu": …}, from the first connection to the last answer.
'use strict';

const fs = require('node:fs');

const [module_, form, port, count, file] = process.argv.slice(2);
const nodemailer = require(module_);
const { text, html, raw } = JSON.parse(fs.readFileSync(file, 'utf8'));
const total = Number(count);

const transport = nodemailer.createTransport({
  pool: true,
  maxConnections: 16,
  maxMessages: Infinity,
  host: '127.0.0.1',
  port: Number(port),
  secure: false,
  ignoreTLS: true,
});

// A few hundred, sent again and again: what is ready was made before.
const ready = Array.from({ length: Math.min(total, 200) }, (_, n) =>
  Buffer.from(raw.replaceAll('reader1@example.test', `reader${n}@example.test`), 'latin1'));

function message(n) {
  const to = `reader${n}@example.test`;
  if (form === 'ready') {
    return { envelope: { from: 'news@example.test', to }, raw: ready[n % ready.length] };
  }
  return {
    from: '火炬动态 <news@example.test>',
    to: `读者${n} <${to}>`,
    subject: '火炬动态 2022年第5期·高质量发展看高新区',
    messageId: `<${n}.bench@example.test>`,
    headers: {
      'List-Unsubscribe': `<https://bulletin.example.org/u/${n}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
    text,
    html,
  };
}

async function main() {
  const before = process.cpuUsage();
  const began = process.hrtime.bigint();
  let next = 0;
  // As many are handed over at a time as keep the connections busy.
  const hand = async () => {
    while (next < total) {
      next += 1;
      await transport.sendMail(message(next));
    }
  };
  await Promise.all(Array.from({ length: 32 }, hand));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const used = process.cpuUsage(before);
  transport.close();
  console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6 }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
