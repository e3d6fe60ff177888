#!/usr/bin/env node
// The client contract (clients/CONTRACT.md) for libwebrtc as @roamhq/wrtc wraps it: a stranger to call, and to be called by.
// Signaling over WebSocket only; no proxies: libwebrtc for Node knows none.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const started = process.hrtime.bigint();
const now = () => Number(process.hrtime.bigint() - started) / 1e6;
const tell = (event, members = {}) => process.stdout.write(JSON.stringify({ event, t: now(), ...members }) + '\n');

const malformed = (pointer) => {
  process.stderr.write(`malformed job at '${pointer}'\n`);
  process.exit(64);
};
const unsupported = (what) => {
  process.stderr.write(`not supported: ${what}\n`);
  process.exit(127);
};

let job;
try {
  job = JSON.parse(readFileSync(0, 'utf8'));
} catch {
  malformed('');
}
if (job.contract !== 1) unsupported('contract');
if (job.task !== 'call') unsupported('task');
if (job.role !== 'caller' && job.role !== 'callee') malformed('/role');
if (typeof job.proof !== 'string') malformed('/proof');
if (!job.signaling?.url?.startsWith('wss:')) malformed('/signaling/url');
if (!Array.isArray(job.ice?.servers)) malformed('/ice/servers');
if ((job.misbehave ?? []).length > 0) unsupported('misbehave');
if ((job.proxy?.mode ?? 'direct') !== 'direct') unsupported('proxy');

const { RTCPeerConnection } = require('@roamhq/wrtc');
const WebSocket = require('ws');

const caller = job.role === 'caller';
tell('hello', { name: 'wrtc', version: require('@roamhq/wrtc/package.json').version, features: ['turn-udp', 'turn-tcp', 'turn-tls', 'trickle'] });

const pc = new RTCPeerConnection({ iceServers: job.ice.servers, iceTransportPolicy: job.ice.policy ?? 'all' });
let connected = false;
let ending = false;

const finish = async (good, reason) => {
  if (ending) return;
  ending = true;
  if (!good) tell('problem', { code: 'ICE_NO_PATH', detail: reason, fatal: true });
  post({ type: 'bye' });
  await pause(100);
  tell('closed', { reason });
  pc.close();
  process.exit(good ? 0 : 1);
};
setTimeout(() => finish(false, 'the deadline of the job has passed'), job.deadline).unref();

// --- signaling --------------------------------------------------------------------------------------------------------

let socket;
let greeted = false;
let first = 1; // number of unacknowledged[0]
let sent = 0;
let position = 0;
const unacknowledged = [];

const flush = () => {
  while (greeted && socket.readyState === WebSocket.OPEN && sent < unacknowledged.length) {
    socket.send(JSON.stringify({ ...unacknowledged[sent], seq: first + sent }));
    sent += 1;
  }
};
function post(message) {
  unacknowledged.push(message);
  flush();
}

const open = () => {
  greeted = false;
  sent = 0;
  socket = new WebSocket(`${job.signaling.url}?after=${position}`, 'crype.signaling.v1', {
    headers: { Authorization: `Bearer ${job.signaling.token}` },
    ca: job.trust ? readFileSync(job.trust) : undefined,
  });
  let was_open = false;
  socket.on('open', () => {
    was_open = true;
    tell('signaling', { state: 'open', via: 'wss' });
  });
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (!message.from) {
      if (message.type !== 'pong') return;
      if (!greeted && sent === 0 && first === 1) first = message.seq + 1;
      while (unacknowledged.length > 0 && first <= message.seq) {
        unacknowledged.shift();
        first += 1;
        sent = Math.max(sent - 1, 0);
      }
      greeted = true;
      return flush();
    }
    if (message.seq <= position) return;
    position = message.seq;
    queue = queue.then(() => take(message)).catch((error) => process.stderr.write(`${error.stack}\n`));
  });
  socket.on('error', (error) => {
    if (!was_open) tell('problem', { code: 'SIG_BLOCKED', detail: `${job.signaling.url}: ${error.message}`, fatal: false });
  });
  socket.on('close', async () => {
    if (was_open) tell('signaling', { state: 'lost', via: 'wss' });
    await pause(500);
    if (!ending) open();
  });
};

// --- offers, answers, candidates --------------------------------------------------------------------------------------

let queue = Promise.resolve();
const early = [];

pc.onicecandidate = ({ candidate }) => {
  if (!candidate || !candidate.candidate) return post({ type: 'end-of-candidates', sdpMid: '0' });
  tell('candidate', { side: 'local', type: candidate.type, protocol: candidate.protocol, address: candidate.address, port: candidate.port });
  post({ type: 'candidate', candidate: candidate.candidate, sdpMid: candidate.sdpMid ?? '0' });
};

const add = async (message) => {
  if (pc.remoteDescription === null) return early.push(message);
  await pc.addIceCandidate({ candidate: message.candidate, sdpMid: message.sdpMid ?? '0', sdpMLineIndex: 0 }).catch(() => {});
};

const take = async (message) => {
  if (message.type === 'offer' && !caller) {
    await pc.setRemoteDescription({ type: 'offer', sdp: message.sdp });
    await pc.setLocalDescription(await pc.createAnswer());
    post({ type: 'answer', sdp: pc.localDescription.sdp });
  } else if (message.type === 'answer' && caller) {
    await pc.setRemoteDescription({ type: 'answer', sdp: message.sdp });
  } else if (message.type === 'candidate') {
    return add(message);
  } else if (message.type === 'bye') {
    return finish(connected && !caller, 'the peer left');
  } else if (message.type === 'error' && message.code === 'restart-wanted' && caller) {
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    return post({ type: 'offer', sdp: pc.localDescription.sdp });
  }
  for (const candidate of early.splice(0)) await add(candidate);
};

pc.oniceconnectionstatechange = () => {
  if (pc.iceConnectionState === 'failed') finish(false, 'no pair of candidates works');
};

// --- data channels ----------------------------------------------------------------------------------------------------

let control;
const data = new Map(); // ordered -> channel
const kinds = { echo_request: 1, echo_reply: 2, throughput: 3, hold: 4 };

const say = (message) => control.send(JSON.stringify(message));

const adopt = (channel) => {
  channel.binaryType = 'arraybuffer';
  if (channel.label === 'crype-control') {
    control = channel;
    const greet = () => say({ type: 'proof', proof: job.proof });
    if (channel.readyState === 'open') greet();
    else channel.onopen = greet;
    channel.onmessage = ({ data: text }) => obey(JSON.parse(text));
  } else if (channel.label === 'crype-data') {
    data.set(channel.ordered, channel);
    channel.onmessage = ({ data: bytes }) => arrived(channel, bytes);
  }
};
pc.ondatachannel = ({ channel }) => adopt(channel);

const selected = async () => {
  const stats = await pc.getStats();
  const all = [...stats.values()];
  const pair = all.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded');
  if (pair) tell('selected', { local: stats.get(pair.localCandidateId), remote: stats.get(pair.remoteCandidateId) });
};

const obey = async (message) => {
  if (message.type === 'proof') {
    connected = true;
    await selected();
    tell('connected', { peer_proof: message.proof });
    if (caller) {
      await work();
      say({ type: 'bye' });
    }
  } else if (message.type === 'bye') {
    if (!caller) say({ type: 'bye' });
    if (caller) return finish(true, 'done');
    setTimeout(() => finish(true, 'done'), 300);
  } else if (message.type === 'begin') {
    phase = { number: message.phase, received: 0, bytes: 0, highest: -1, reordered: 0, first: 0, last: 0 };
    say({ type: 'ready', phase: message.phase });
    const stream = message.work.throughput ?? message.work.hold;
    if (!stream) return;
    const sends = message.work.hold ? message.work.hold.traffic !== 'silent' : message.work.throughput.direction !== 'send';
    if (sends) await send_stream(message.phase, message.work);
    else if (message.work.hold) await pause(message.work.hold.seconds * 1000);
    if (sends || message.work.hold) say({ type: 'end', phase: message.phase, sent: phase.sent ?? 0 });
  } else if (message.type === 'ready') {
    ready?.();
  } else if (message.type === 'end') {
    const mine = phase;
    await counted(mine, message.sent);
    say({ type: 'report', phase: message.phase, received: mine.received, bytes: mine.bytes, microseconds: Math.round((mine.last - mine.first) * 1000), reordered: mine.reordered, duplicated: 0 });
    mine.told?.();
  } else if (message.type === 'report') {
    reported?.(message);
  }
};

let phase;
let ready;
let reported;

const header = (kind, number, length, sequence) => {
  const bytes = new ArrayBuffer(length);
  const view = new DataView(bytes);
  view.setUint8(0, kind);
  view.setUint8(1, 1);
  view.setUint16(2, number);
  view.setUint32(4, length);
  view.setBigUint64(8, BigInt(sequence));
  view.setBigUint64(16, process.hrtime.bigint() / 1000n);
  return bytes;
};

const arrived = (channel, bytes) => {
  const view = new DataView(bytes);
  if (bytes.byteLength < 24 || view.getUint8(1) !== 1 || view.getUint32(4) !== bytes.byteLength) return;
  const kind = view.getUint8(0);
  if (kind === kinds.echo_request && !caller) {
    const reply = bytes.slice(0);
    new DataView(reply).setUint8(0, kinds.echo_reply);
    return channel.send(reply);
  }
  if (!phase || view.getUint16(2) !== phase.number) return;
  if (kind === kinds.echo_reply) phase.round_trips.push(Number(process.hrtime.bigint() / 1000n - view.getBigUint64(16)) / 1000);
  const sequence = Number(view.getBigUint64(8));
  if (sequence < phase.highest) phase.reordered += 1;
  phase.highest = Math.max(phase.highest, sequence);
  phase.received += 1;
  phase.bytes += bytes.byteLength;
  phase.last = now();
  if (phase.received === 1) phase.first = phase.last;
};

const counted = async (mine, wanted) => {
  const begun = now();
  while (mine.received < wanted && now() - (mine.last || begun) < 1000) await pause(20);
};

const channel_for = async (ordered) => {
  if (!data.has(ordered) && caller) adopt(pc.createDataChannel('crype-data', ordered ? {} : { ordered: false, maxRetransmits: 0 }));
  for (let i = 0; i < 500 && data.get(ordered)?.readyState !== 'open'; i += 1) await pause(10);
  return data.get(ordered);
};

const send_stream = async (number, what) => {
  const pace = what.hold ? (what.hold.traffic === 'audio' ? { size: 160, interval: 20 } : { size: 1100, interval: 8 }) : { size: what.throughput.size, interval: 0 };
  const channel = await channel_for(what.throughput?.delivery === 'ordered');
  const end = now() + (what.hold ?? what.throughput).seconds * 1000;
  const kind = what.hold ? kinds.hold : kinds.throughput;
  const mine = phase;
  mine.sent = 0;
  while (now() < end) {
    for (let i = 0; i < (pace.interval ? 1 : 32) && channel.bufferedAmount < 500_000; i += 1) channel.send(header(kind, number, pace.size, mine.sent++));
    await pause(pace.interval || 1);
  }
};

const quantile = (sorted, share) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)];

const work = async () => {
  for (const [number, one] of (job.work ?? []).entries()) {
    phase = { number, received: 0, bytes: 0, highest: -1, reordered: 0, first: 0, last: 0, round_trips: [] };
    const begun = new Promise((resolve) => { ready = resolve; });
    say({ type: 'begin', phase: number, work: one });
    await begun;
    if (one.echo) {
      const channel = await channel_for((one.echo.delivery ?? 'ordered') === 'ordered');
      for (let i = 0; i < one.echo.count; i += 1) {
        channel.send(header(kinds.echo_request, number, one.echo.size, i));
        await pause(one.echo.interval);
      }
      const end = now() + 2000;
      while (phase.received < one.echo.count && now() < end) await pause(10);
      const sorted = phase.round_trips.sort((a, b) => a - b);
      tell('echo', { sent: one.echo.count, received: sorted.length, rtt_ms: sorted.length === 0 ? {} : { min: sorted[0], p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99), max: sorted.at(-1) } });
      continue;
    }
    const sends = one.hold ? one.hold.traffic !== 'silent' : one.throughput.direction !== 'receive';
    const receives = one.hold || one.throughput.direction !== 'send';
    const told = new Promise((resolve) => { phase.told = resolve; });
    if (sends) await send_stream(number, one);
    else if (one.hold) await pause(one.hold.seconds * 1000);
    if (!sends && !one.hold) {
      await told;
      continue;
    }
    const report = new Promise((resolve) => { reported = resolve; });
    say({ type: 'end', phase: number, sent: phase.sent ?? 0 });
    const result = await report;
    if (one.throughput) {
      const seconds = result.microseconds / 1e6;
      tell('throughput', { direction: 'send', bytes: result.bytes, seconds, goodput_bps: (result.bytes * 8) / seconds, sent: phase.sent, received: result.received, lost: phase.sent - result.received, reordered: result.reordered, duplicated: result.duplicated });
    }
    if (receives) await told;
  }
};

// --- the beginning ----------------------------------------------------------------------------------------------------

open();
if (caller) {
  adopt(pc.createDataChannel('crype-control'));
  await pc.setLocalDescription(await pc.createOffer());
  post({ type: 'offer', sdp: pc.localDescription.sdp });
}
