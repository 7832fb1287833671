// maysend as the tests need it: killed, frozen, started again, and behind a line that goes dead.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Maysend } from '../client.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BINARY = process.env.MAYSEND ?? path.join(ROOT, 'target/checked/maysend');

// A port below those that outgoing connections get: a client that tries again and again could get
// the very port that its server is to come back on.
async function freePort() {
  for (;;) {
    const port = 20000 + Math.floor(12000 * Math.random());
    const probe = net.createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise((resolve) => {
      probe.once('listening', () => probe.close(() => resolve(true))).once('error', () => resolve(false));
    });
    if (isFree) return port;
  }
}

// The real binary, always on the same data and the same address.
export class Server {
  static async start({ unix = false } = {}) {
    const server = new Server();
    server.work = mkdtempSync(path.join(tmpdir(), 'crm-'));
    server.port = unix ? null : await freePort();
    server.listen = unix ? `unix:${server.work}/socket` : `127.0.0.1:${server.port}`;
    server.log = openSync(`${server.work}/log`, 'a');
    await server.start().catch(async (error) => {
      await server.end();
      throw error;
    });
    return server;
  }

  // Returns once it answers.
  async start() {
    const catalog = path.join(ROOT, 'examples/catalog.toml');
    const args = ['serve', '--data-dir', `${this.work}/data`, '--listen', this.listen, '--catalog', catalog];
    this.process = spawn(BINARY, args, { stdio: ['ignore', 'ignore', this.log] });
    const asks = new Maysend(this.listen);
    await asks.titles().finally(() => asks.close());
  }

  async kill() {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  freeze() {
    this.process.kill('SIGSTOP');
  }

  thaw() {
    this.process.kill('SIGCONT');
  }

  async end() {
    await this.kill();
    rmSync(this.work, { recursive: true });
  }
}

// A line to the server that can lose all answers from now on.
export class Line {
  static async to(port) {
    const line = new Line();
    Object.assign(line, { isMute: false, open: new Set() });
    line.listener = net.createServer((client) => {
      const server = net.connect(port, '127.0.0.1');
      line.open.add(client).add(server);
      client.on('data', (octets) => server.write(octets));
      server.on('data', (octets) => line.isMute || client.write(octets));
      for (const [end, other] of [[client, server], [server, client]]) {
        end.on('error', () => {}).on('close', () => {
          line.open.delete(end);
          other.destroy();
        });
      }
    }).listen(0, '127.0.0.1');
    await once(line.listener, 'listening');
    line.address = `127.0.0.1:${line.listener.address().port}`;
    return line;
  }

  // Ends all connections; new ones are whole again.
  cut() {
    this.isMute = false;
    this.open.forEach((end) => end.destroy());
  }

  close() {
    this.listener.close();
    this.cut();
  }
}
