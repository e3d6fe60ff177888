#include "harness/report/page.h"

namespace crypelab::report {

// clang-format off
const char* const kPageHead = R"PAGE(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>crypelab</title>
<style>
:root { color-scheme: light dark; --bg:#fff; --fg:#1a1d21; --dim:#5c6670; --line:#d5dae0; --soft:#f3f5f7; --link:#0b57d0;
  --direct:#1b7f4b; --srflx:#3b8f2e; --relay-udp:#1f6fb5; --relay-tcp:#7a4fb0; --relay-tls:#a83f86; --bad:#b3261e; --warn:#8a5a00; --none:#6b7480; }
@media (prefers-color-scheme: dark) { :root { --bg:#15181b; --fg:#e6e9ec; --dim:#9aa5b1; --line:#343b42; --soft:#1e2226; --link:#8ab4f8;
  --direct:#5fd39a; --srflx:#8fdc7e; --relay-udp:#76b7ee; --relay-tcp:#bd9bf0; --relay-tls:#ee92cf; --bad:#ff8a80; --warn:#f2bd5c; --none:#98a2ad; } }
* { box-sizing: border-box; }
body { margin:0; font:14px/1.45 system-ui, sans-serif; background:var(--bg); color:var(--fg); }
header, main { max-width:1280px; margin:0 auto; padding:16px 20px; }
h1 { font-size:22px; margin:0 0 4px; } h2 { font-size:17px; margin:24px 0 8px; } h3 { font-size:14px; margin:18px 0 6px; }
.dim { color:var(--dim); } a { color:var(--link); }
.tiles { display:flex; flex-wrap:wrap; gap:8px; margin:12px 0; }
.tile { border:1px solid var(--line); border-radius:6px; padding:6px 12px; background:var(--soft); }
.tile b { font-size:18px; display:block; }
.filters { display:flex; flex-wrap:wrap; gap:10px; align-items:center; position:sticky; top:0; background:var(--bg); padding:8px 0; border-bottom:1px solid var(--line); z-index:1; }
input[type=search] { font:inherit; padding:5px 8px; min-width:240px; border:1px solid var(--line); border-radius:4px; background:var(--bg); color:var(--fg); }
table { border-collapse:collapse; width:100%; } th { text-align:left; color:var(--dim); font-weight:600; }
th, td { padding:5px 8px; border-bottom:1px solid var(--line); vertical-align:top; }
table.matrix { table-layout:fixed; } .matrix th:first-child, .matrix td:first-child { width:320px; overflow-wrap:anywhere; }
.cell { display:inline-block; border-left:5px solid var(--k); padding:1px 8px; cursor:pointer; background:none; border-top:0; border-right:0; border-bottom:0; font:inherit; color:inherit; text-align:left; }
.cell:hover, .cell:focus-visible { background:var(--soft); outline:1px solid var(--line); }
.mark { font-weight:700; color:var(--k); display:inline-block; min-width:1.2em; }
.pass { --o:var(--direct); } .fail,.wrong-path,.unclear-error,.flaky { --o:var(--bad); } .inconclusive,.non-strict,.unsupported,.not-covered { --o:var(--warn); }
.word { color:var(--o); font-weight:600; }
.why { color:var(--dim); overflow-wrap:anywhere; }
#detail { border:1px solid var(--line); border-radius:8px; padding:14px 18px; margin:16px 0; background:var(--bg); }
#detail img { max-width:100%; background:#fff0; }
.story td { font-variant-numeric:tabular-nums; border:0; padding:2px 8px; overflow-wrap:anywhere; } .story td:first-child { white-space:nowrap; text-align:right; color:var(--dim); }
.bar { position:relative; height:18px; background:var(--soft); border-radius:3px; min-width:200px; } .bar i { position:absolute; top:0; bottom:0; background:var(--k); border-radius:3px; min-width:2px; opacity:.85; }
.spans { display:flex; height:22px; border-radius:3px; overflow:hidden; max-width:640px; } .spans span { overflow:hidden; white-space:nowrap; font-size:12px; padding:2px 4px; border-right:2px solid var(--bg); background:var(--soft); border-top:3px solid var(--k); }
svg text { fill:currentColor; font:11px system-ui, sans-serif; }
details > summary { cursor:pointer; margin-top:14px; font-weight:600; }
@media print { .filters, .noprint { display:none; } #detail { border:0; } body { font-size:11px; } }
</style>
</head>
<body>
<header><h1>crypelab</h1><div id="about" class="dim"></div></header>
<main>
<section id="summary" aria-label="Summary"></section>
<div class="filters noprint">
<input type="search" id="q" placeholder="Filter: scenario, cause, path" aria-label="Filter">
<span id="outcomes"></span><span id="count" class="dim"></span>
</div>
<section id="detail" hidden aria-live="polite"></section>
<section id="matrix" aria-label="Clients by networks"></section>
</main>
)PAGE";

const char* const kPageTail = R"PAGE(<script>
'use strict';
const $ = id => document.getElementById(id);
const read = id => { const e = $(id); return e ? JSON.parse(e.textContent) : null; };
const run = read('run');
// Text of clients only ever gets into text nodes.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) if (k === 'on') e.addEventListener('click', v); else if (v !== null) e.setAttribute(k, v);
  for (const c of children.flat(Infinity)) if (c !== null && c !== undefined) e.append(c);
  return e;
}
const marks = { pass: '✓', 'non-strict': '≈', unsupported: '–', inconclusive: '?', 'unclear-error': '!', 'wrong-path': '↯', fail: '✗', flaky: '≠' };
const seconds = t => t === null ? '' : t >= 10 ? t.toFixed(1) + ' s' : t >= 1 ? t.toFixed(2) + ' s' : Math.round(t * 1000) + ' ms';
const kind = p => p ? p.replace('+px', '') : '';
const shade = cell => cell.paths.find(p => p) ? `var(--${kind(cell.paths.find(p => p))})` : cell.word === 'pass' ? 'var(--none)' : 'var(--bad)';
const NS = 'http://www.w3.org/2000/svg';
function svg(tag, attributes, content) {
  const e = document.createElementNS(NS, tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (content !== undefined) e.textContent = content;
  return e;
}

$('about').textContent = `${run.program}, ${run.started}, seed ${run.seed}` + (run.seconds ? `, ${run.seconds.toFixed(1)} s` : '') + (run.complete ? '' : ', interrupted');
for (const c of run.cells) c.word = c.flaky ? 'flaky' : c.outcome;

function summary() {
  const counts = {}, paths = {};
  let connected = 0, streams = 0;
  for (const c of run.cells) {
    counts[c.word] = (counts[c.word] || 0) + 1;
    const first = c.paths.find(p => p);
    if (!first) continue;
    connected++;
    paths[first] = (paths[first] || 0) + 1;
    if (c.paths.some(p => p && (p.startsWith('relay-tcp') || p.startsWith('relay-tls')))) streams++;
  }
  const tiles = el('div', { class: 'tiles' });
  for (const [w, n] of Object.entries(counts)) tiles.append(el('div', { class: 'tile ' + w }, el('b', {}, String(n)), el('span', { class: 'word' }, `${marks[w]} ${w}`)));
  if (run.not_covered.length) tiles.append(el('div', { class: 'tile not-covered' }, el('b', {}, String(run.not_covered.length)), el('span', { class: 'word' }, 'not covered')));
  const by = el('div', { class: 'tiles' });
  for (const [p, n] of Object.entries(paths).sort()) by.append(el('div', { class: 'tile', style: `border-left:5px solid var(--${kind(p)})` }, el('b', {}, String(n)), p));
  $('summary').append(tiles, by);
  if (connected) $('summary').append(el('p', {}, `${connected} of ${run.cells.length} connected; ${streams} of them by TURN over TCP or TLS.`));
}

const chosen = new Set();
let query = '';
function outcomes() {
  for (const w of [...new Set(run.cells.map(c => c.word))]) {
    chosen.add(w);
    const box = el('input', { type: 'checkbox', checked: '' });
    box.addEventListener('change', () => { if (box.checked) chosen.add(w); else chosen.delete(w); filter(); });
    $('outcomes').append(el('label', { class: w }, box, el('span', { class: 'word' }, ' ' + w + ' ')), ' ');
  }
  $('q').addEventListener('input', () => { query = $('q').value; filter(); remember(); });
}

const rows = [];
function cellButton(c) {
  const path = c.paths.map(p => p || '–').join(' / ');
  return el('button', { class: 'cell', style: `--k:${shade(c)}`, title: c.why || null, on: () => open(c.n) },
    el('span', { class: 'mark ' + c.word }, marks[c.word]), ' ', path, c.time === null ? '' : ' ' + seconds(c.time),
    c.word === 'pass' ? null : el('span', { class: 'word ' + c.word }, ' ' + c.word), c.attempts > 1 ? ` ×${c.attempts}` : null);
}
function matrix() {
  const columns = [...new Set(run.cells.map(c => c.clients))];
  const networks = new Map();
  for (const c of run.cells) {
    if (!networks.has(c.scenario)) networks.set(c.scenario, []);
    networks.get(c.scenario).push(c);
  }
  const body = el('tbody'), end = el('div', { style: 'height:1px' });
  for (const [name, cells] of networks) rows.push({ name, cells, words: (name + ' ' + cells.map(c => [c.title, c.why, c.word, ...c.paths].join(' ')).join(' ')).toLowerCase() });
  $('matrix').append(el('h2', {}, 'Clients × networks'), el('table', { class: 'matrix' }, el('thead', {}, el('tr', {}, el('th', {}, 'network'), columns.map(c => el('th', {}, c)))), body),
    end, el('table', {}, run.not_covered.map(n => el('tr', {}, el('td', {}, n.scenario), el('td', { class: 'why' }, 'not covered: ' + n.why)))));
  more = most => {
    for (const r of chosenRows.slice(drawn, drawn + most)) {
      body.append(el('tr', {}, el('td', {}, r.name, el('div', { class: 'why' }, r.cells[0].title)),
        columns.map(column => el('td', {}, r.cells.filter(c => c.clients === column).map(c => [cellButton(c), c.why ? el('div', { class: 'why' }, c.why) : null])))));
      drawn++;
    }
  };
  again = () => { body.replaceChildren(); drawn = 0; more(100); };
  new IntersectionObserver(seen => { if (seen.some(s => s.isIntersecting)) more(200); }, { rootMargin: '1500px' }).observe(end);
  addEventListener('scroll', () => { if (end.getBoundingClientRect().top < innerHeight + 1500) more(200); }, { passive: true });
  addEventListener('beforeprint', () => more(rows.length));
}
// Rows are drawn as they are scrolled to: thousands of them cost nothing before.
let chosenRows = [], drawn = 0, more = () => {}, again = () => {};
function filter() {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  chosenRows = rows.filter(r => r.cells.some(c => chosen.has(c.word)) && words.every(w => r.words.includes(w)));
  $('count').textContent = `${chosenRows.length} of ${rows.length} networks`;
  again();
}

function lines(list) {
  return el('table', { class: 'story' }, list.map(([t, who, what]) => el('tr', {}, el('td', {}, t.toFixed(3) + ' s'), el('td', {}, who), el('td', {}, what))));
}
function ladder(client) {
  const timed = client.rungs.filter(r => r.began !== null);
  const from = Math.min(...timed.map(r => r.began)), to = Math.max(...timed.map(r => r.ended), from + 0.001);
  const signs = { carried: '✓ carried the data', open: '○ open', failed: '✗ failed', 'not-tried': '– not tried' };
  const key = r => r.state === 'failed' ? 'var(--bad)' : r.name.startsWith('relay') || r.name === 'direct' || r.name === 'srflx' ? `var(--${kind(r.name)})` : 'var(--none)';
  return el('table', {}, el('tr', {}, ['rung', 'state', 'to', 'when', 'why'].map(h => el('th', {}, h))), client.rungs.map(r => el('tr', {}, el('td', {}, r.name), el('td', {}, signs[r.state]), el('td', {}, r.target),
    el('td', {}, r.began === null ? '' : el('div', { class: 'bar', style: `--k:${key(r)}`, title: `${seconds(r.began)} to ${seconds(r.ended)}` },
      el('i', { style: `left:${(r.began - from) / (to - from) * 100}%;width:${(r.ended - r.began) / (to - from) * 100}%` }))), el('td', { class: 'why' }, r.cause))));
}
function breakdown(client) {
  if (!client.spans.length) return null;
  const colours = ['var(--relay-udp)', 'var(--relay-tcp)', 'var(--relay-tls)', 'var(--direct)'];
  const total = client.spans[client.spans.length - 1].to - client.spans[0].from || 1;
  return el('div', {}, el('h3', {}, `Time to connect: ${seconds(total)}`), el('div', { class: 'spans' }, client.spans.map((s, i) =>
    el('span', { style: `flex:${Math.max((s.to - s.from) / total, 0.02)};--k:${colours[i % 4]}`, title: `${s.name} ${seconds(s.to - s.from)}` }, `${s.name} ${seconds(s.to - s.from)}`))));
}
function distribution(echo) {
  const s = svg('svg', { width: 640, height: 56, role: 'img', 'aria-label': 'round-trip times' });
  const x = v => 20 + 580 * v / Math.max(echo.max, 0.001);
  s.append(svg('line', { x1: x(echo.min), x2: x(echo.max), y1: 20, y2: 20, stroke: 'currentColor' }));
  s.append(svg('rect', { x: x(echo.p50), y: 12, width: Math.max(x(echo.p95) - x(echo.p50), 1), height: 16, fill: 'var(--relay-udp)', opacity: .6 }));
  for (const k of ['min', 'p50', 'p95', 'p99', 'max']) s.append(svg('line', { x1: x(echo[k]), x2: x(echo[k]), y1: 8, y2: 32, stroke: 'currentColor' }));
  return el('div', {}, el('h3', {}, 'Round-trip times'), s, el('div', { class: 'dim' }, `${echo.received} of ${echo.sent} came back; min ${echo.min} p50 ${echo.p50} p95 ${echo.p95} p99 ${echo.p99} max ${echo.max} ms`));
}
// What the lab itself carried towards that client, and what of that each leg was.
const mbit = bps => (bps / 1e6).toFixed(2) + ' Mbit/s';
function ceiling(a, client, direction) {
  const own = a.clients[0] === client ? direction : direction === 'send' ? 'receive' : 'send';
  return (a.ceilings || []).find(c => c.direction === own);
}
function legs(c) {
  return `the lab itself ${c.at_least ? 'at least ' : ''}${mbit(c.goodput_bps)}, the smaller of ` + c.legs.map(l => `${l.from} ${l.way} by ${l.transport} ${mbit(l.goodput_bps)}`).join(' and ');
}
function rates(a, client) {
  if (client.rate.length < 2) return null;
  const s = svg('svg', { width: 640, height: 120, role: 'img', 'aria-label': 'data that arrived' });
  const t0 = client.rate[0][0], t1 = client.rate[client.rate.length - 1][0], seen = Math.max(...client.rate.map(r => r[1]));
  const limit = ceiling(a, client, 'receive'), top = limit ? limit.goodput_bps / 8 : 0;
  // A ceiling far above what arrived is written, not drawn: the curve would be flat.
  const drawn = limit && top < 4 * seen, most = drawn ? Math.max(seen, top) : seen;
  const points = client.rate.map(([t, b]) => `${40 + 580 * (t - t0) / Math.max(t1 - t0, 1)},${100 - 90 * b / most}`).join(' ');
  s.append(svg('polyline', { points, fill: 'none', stroke: 'var(--relay-udp)', 'stroke-width': 2 }), svg('text', { x: 0, y: 14 }, (most * 8 / 1e6).toFixed(2) + ' Mbit/s'), svg('text', { x: 40, y: 116 }, seconds(t0)), svg('text', { x: 590, y: 116 }, seconds(t1)));
  if (drawn) s.append(svg('line', { class: 'ceiling', x1: 40, x2: 620, y1: 100 - 90 * top / most, y2: 100 - 90 * top / most, stroke: 'currentColor', 'stroke-dasharray': '6 4' }), svg('text', { x: 560, y: 112 - 90 * top / most }, 'the lab itself'));
  return el('div', {}, el('h3', {}, 'Data that arrived, by packets'), s, client.throughput.map(p => {
    const c = ceiling(a, client, p.direction);
    return el('div', { class: 'dim' }, `${p.direction}: ${mbit(p.goodput_bps)} in ${p.seconds} s, as it said` + (c ? '; ' + legs(c) : ''));
  }), a.no_ceiling ? el('div', { class: 'dim' }, 'no ceiling of the lab itself: ' + a.no_ceiling) : null);
}
function open(n, quiet) {
  const d = read('c' + n), cell = run.cells[n], box = $('detail');
  box.replaceChildren();
  if (!d) return;
  box.hidden = false;
  box.append(el('button', { class: 'noprint', style: 'float:right', on: () => { box.hidden = true; location.hash = ''; } }, 'close'), el('h2', { class: cell.word }, el('span', { class: 'word' }, `${marks[cell.word]} ${cell.word} `), cell.scenario), el('p', {}, cell.title, el('span', { class: 'dim' }, ' ' + (d.attempts[0].proves || ''))));
  d.attempts.forEach((a, i) => attempt(box, a, d, i));
  if (!quiet) { location.hash = 'c=' + encodeURIComponent(cell.scenario + '|' + cell.clients); box.scrollIntoView(); }
}
function attempt(box, a, d, i) {
  if (d.attempts.length > 1) box.append(el('h2', {}, `Attempt ${a.attempt}: ${a.outcome}`));
  if (a.why) box.append(el('p', {}, el('b', {}, 'Why: '), a.why));
  if (a.folder) box.append(el('p', {}, 'Evidence: ', el('a', { href: encodeURI(a.folder) + '/evidence.json' }, a.folder), ' ', el('a', { href: encodeURI(a.folder) + '/packets.pcapng' }, 'packets')));
  box.append(el('table', {}, el('tr', {}, ['', 'must be true', 'found'].map(h => el('th', {}, h))), a.verdicts.map(v => el('tr', { class: v.outcome }, el('td', { class: 'word' }, `${marks[v.outcome]} ${v.outcome}`), el('td', {}, (v.client && !v.what.includes(v.client) ? v.client + ': ' : '') + v.what), el('td', {}, v.reason, (v.details || []).map(x => el('div', { class: 'why' }, x)))))));
  const picture = read('t' + d.topology);
  if (i === 0 && picture) box.append(el('h3', {}, 'Network'), el('img', { src: 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(picture), alt: 'topology of ' + a.scenario }));
  box.append(el('h3', {}, 'What happened'), lines(a.story));
  for (const c of a.clients) {
    box.append(el('h3', {}, `${c.name}: ${c.app} in ${c.site}, ${c.version || c.driver}`));
    if (c.path) box.append(el('p', {}, `Path: ${c.path.class}${c.path.proxy ? ' through a proxy' : ''} by ${c.path.by}`));
    if (c.problems.length) box.append(el('p', {}, 'It reported ' + c.problems.join(', ')));
    if (c.rungs.length) box.append(ladder(c));
    box.append(...[breakdown(c), c.echo ? distribution(c.echo) : null, rates(a, c)].filter(Boolean));
  }
  if (a.timeline) box.append(el('details', {}, el('summary', {}, 'All sources, by time'), lines(a.timeline)));
}
function remember() { history.replaceState(null, '', '#' + (query ? 'q=' + encodeURIComponent(query) : '')); }
function follow() {
  const h = location.hash.slice(1);
  if (h.startsWith('q=')) { query = $('q').value = decodeURIComponent(h.slice(2)); filter(); }
  if (!h.startsWith('c=')) return;
  const key = decodeURIComponent(h.slice(2)), n = run.cells.findIndex(c => c.scenario + '|' + c.clients === key);
  if (n >= 0) open(n, true);
}
summary(); outcomes(); matrix(); filter(); follow();
addEventListener('hashchange', follow);
document.documentElement.dataset.ready = Math.round(performance.now());  // milliseconds since it was asked for
</script>
</body>
</html>
)PAGE";
// clang-format on

}  // namespace crypelab::report
