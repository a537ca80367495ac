"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const ROW = 28, NUM = 48, TIME = 70, WHERE = 150, LEAST = 132, MOST = 300;
const $ = id => document.getElementById(id);
const svg = (name, attributes = {}) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  return e;
};
const hue = lane => `hsl(${(lane * 137 + 205) % 360} 58% 52%)`;

// order is what directly comes before each step, the next step of its lane, and
// its vector clock.
function order(trace) {
  const { steps } = trace, next = steps.map(() => -1), above = steps.map(() => -1), last = new Map();
  steps.forEach((s, i) => {
    const j = last.get(s.lane);
    if (j !== undefined) { next[j] = i; above[i] = j; }
    last.set(s.lane, i);
  });
  const clocks = new Array(steps.length);
  const before = i => above[i] < 0 ? steps[i].after : [above[i], ...steps[i].after];
  for (let i = 0; i < steps.length; i++) {
    const todo = [i]; // a step may come after ones further down
    while (todo.length) {
      const j = todo[todo.length - 1], missing = clocks[j] ? [] : before(j).filter(k => !clocks[k]);
      if (missing.length && todo.length <= steps.length) { todo.push(...missing); continue; }
      todo.pop();
      if (clocks[j]) continue;
      const clock = new Array(trace.lanes.length).fill(0);
      for (const k of before(j)) if (clocks[k]) clocks[k].forEach((n, lane) => { clock[lane] = Math.max(clock[lane], n); });
      clock[steps[j].lane]++;
      clocks[j] = clock;
    }
  }
  return { next, above, happens: (i, j) => i !== j && clocks[j][steps[i].lane] >= clocks[i][steps[i].lane] };
}

// fork is the first step at which two executions differ.
function fork(a, b) {
  const key = s => s && [s.lane, s.text, s.site, s.switch].join("\n");
  let i = 0;
  while (i < a.steps.length && key(a.steps[i]) === key(b.steps[i])) i++;
  return i;
}

class Pane {
  constructor(trace, caption, kind, forkAt, narrow) {
    this.where = narrow ? 0 : WHERE; this.least = narrow ? 88 : LEAST;
    this.trace = trace; this.order = order(trace); this.forkAt = forkAt;
    this.el = document.createElement("section");
    this.el.className = "pane";
    this.caption = this.add(this.el, "div", "caption " + kind, caption);
    this.names = this.add(this.el, "div", "names");
    this.body = this.add(this.el, "div", "body");
    this.el.addEventListener("mouseover", e => this.hover(e));
    this.el.addEventListener("mouseleave", () => this.show(state.pane === this ? state.step : -1));
    this.el.addEventListener("click", e => {
      const chip = e.target.closest(".step");
      select(this, chip && !(state.pane === this && state.step === +chip.dataset.i) ? +chip.dataset.i : -1);
    });
  }

  add(parent, name, className, text = "", style = {}) {
    const e = document.createElement(name);
    e.className = className;
    e.textContent = text;
    Object.assign(e.style, style);
    parent.append(e);
    return e;
  }

  // place decides which steps have rows and which lanes columns.
  place(all) {
    const steps = this.trace.steps;
    this.rows = steps.map((s, i) => i).filter(i => all || steps[i].shown);
    this.rowOf = new Map(this.rows.map((i, row) => [i, row]));
    // below is the first row at or after a step.
    this.below = new Array(steps.length + 1).fill(this.rows.length);
    for (let i = steps.length - 1; i >= 0; i--) this.below[i] = this.rowOf.has(i) ? this.rowOf.get(i) : this.below[i + 1];
    this.lanes = [];
    for (const i of this.rows) if (!this.lanes.includes(steps[i].lane)) this.lanes.push(steps[i].lane);
    this.left = NUM + (this.trace.clock ? TIME : 0) + 14;
    const room = this.el.clientWidth - this.left - this.where - 30;
    // Texts reach over lanes at their right, but for those of the last one.
    const end = this.lanes[this.lanes.length - 1], letters = Math.max(0, ...this.rows.map(i => steps[i].lane === end ? steps[i].text.length : 0));
    this.endWidth = Math.max(this.least, Math.min(MOST, letters * 7.4 + 52));
    if (this.where === 0) this.endWidth = Math.min(this.endWidth, 160);
    const others = Math.max(this.lanes.length - 1, 1);
    this.width = Math.max(this.least, Math.min(MOST, Math.floor((room - this.endWidth) / others)));
    this.total = this.left + (this.lanes.length - 1) * this.width + this.endWidth + this.where + 10;
  }

  x(lane) { return this.left + this.lanes.indexOf(lane) * this.width; }
  y(row) { return 6 + row * ROW; }
  px(n) { return n + "px"; }

  render(all) {
    this.place(all);
    this.names.replaceChildren(); this.body.replaceChildren();
    this.chips = new Map();
    const { steps } = this.trace, height = this.y(this.rows.length) + 40;
    Object.assign(this.body.style, { width: this.px(this.total), height: this.px(height) });
    this.names.style.width = this.px(this.total);
    for (const lane of this.lanes) {
      const name = this.add(this.names, "span", "", "", { left: this.px(this.x(lane)), width: this.px(this.width - 10) });
      this.add(name, "i", "dot", "", { background: hue(lane) });
      name.append(this.trace.lanes[lane]);
      name.title = this.trace.lanes[lane];
    }
    this.rows.forEach((i, row) => {
      if (row % 2) this.add(this.body, "div", "stripe", "", { top: this.px(this.y(row) - 3), width: this.px(this.total) });
    });
    this.lines();
    this.layer = svg("svg", { width: this.total, height });
    this.markers();
    this.body.append(this.layer);
    this.turns = svg("g"); this.edges = svg("g");
    this.layer.append(this.turns, this.edges);
    let time = "";
    this.rows.forEach((i, row) => {
      const s = steps[i], top = this.px(this.y(row));
      const hidden = i - (row ? this.rows[row - 1] : -1) - 1;
      const num = this.add(this.body, "span", "num", String(i + this.trace.first), { top, width: this.px(NUM - 8) });
      if (hidden > 0) num.title = `${hidden} more above`;
      if (this.trace.clock && s.time !== time) this.add(this.body, "span", "time", s.time, { top, left: this.px(NUM), width: this.px(TIME - 6) });
      time = s.time;
      this.chip(i, top);
      if (this.where) this.add(this.body, "span", "where", s.site, { top, left: this.px(this.total - this.where), width: this.px(this.where) }).title = s.site;
      if (s.switch) this.turn(i, row);
    });
    if (this.forkAt >= 0 && this.forkAt < steps.length) {
      const line = this.add(this.body, "div", "fork", "", { top: this.px(this.y(this.below[this.forkAt]) - 4), width: this.px(this.total) });
      this.add(line, "span", "", "from here on they differ");
    }
  }

  chip(i, top) {
    const s = this.trace.steps[i];
    const room = this.free(i);
    const chip = this.add(this.body, "div", "step" + (s.op === "log" ? " note" : "") + (s.necessary ? " must" : ""), s.text,
      { top, left: this.px(this.x(s.lane)), maxWidth: this.px(room) });
    chip.style.setProperty("--lane", hue(s.lane));
    chip.dataset.i = i;
    chip.title = s.text + (s.site ? "\n" + s.site : "");
    if (s.necessary) this.add(chip, "span", "mark", "!");
    this.chips.set(i, chip);
  }

  // free is how wide a step can be: over the lanes at its right, which are
  // empty in its row, up to one that waits.
  free(i) {
    const s = this.trace.steps[i], row = this.rowOf.get(i), at = this.lanes.indexOf(s.lane);
    let end = at + 1;
    while (end < this.lanes.length && !this.busy(this.lanes[end], row)) end++;
    const last = end === this.lanes.length;
    const right = last ? this.total - (s.site ? this.where + 10 : 0) : this.left + end * this.width;
    return right - this.x(s.lane) - 14;
  }

  busy(lane, row) { return (this.waits.get(lane) || []).some(w => row > w.from && row < w.to); }

  // lines draws the lives of the goroutines, and their waits.
  lines() {
    const { steps } = this.trace;
    this.waits = new Map();
    const first = new Map(), last = new Map();
    for (const i of this.rows) {
      const l = steps[i].lane;
      if (!first.has(l)) first.set(l, this.rowOf.get(i));
      last.set(l, this.rowOf.get(i));
    }
    for (const lane of this.lanes) {
      const x = this.x(lane) + 8, top = this.y(first.get(lane));
      this.add(this.body, "div", "life", "", { background: hue(lane), left: this.px(x), top: this.px(top), height: this.px(this.y(last.get(lane)) - top + 22) });
    }
    steps.forEach((s, i) => {
      if (!s.blocked && !s.switch || !this.lanes.includes(s.lane)) return;
      const next = this.order.next[i];
      // From below the last row at or before the step to the row of the next one.
      const from = this.rowOf.has(i) ? this.rowOf.get(i) : this.below[i] - 1;
      const to = next < 0 ? this.rows.length : this.below[next];
      if (to - from < 2 && next >= 0 || to <= from) return;
      if (!this.waits.has(s.lane)) this.waits.set(s.lane, []);
      this.waits.get(s.lane).push({ from, to });
      this.add(this.body, "div", s.blocked ? "wait" : "held", "", {
        left: this.px(this.x(s.lane) + 8), top: this.px(this.y(from) + 24), height: this.px(this.y(to) - this.y(from) - 28),
      });
    });
  }

  markers() {
    const defs = svg("defs");
    for (const kind of ["turn", "must", "past", "future"]) {
      const m = svg("marker", { id: "m-" + kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
      m.append(svg("path", { d: "M0 0L8 4L0 8z" }));
      defs.append(m);
    }
    this.layer.append(defs);
  }

  // turn is the arrow from a step that was preempted to who runs next.
  turn(i, row) {
    const s = this.trace.steps[i], next = this.trace.steps[i + 1];
    if (!next || next.lane === s.lane || !this.lanes.includes(next.lane)) return;
    const chip = this.chips.get(i), right = this.x(next.lane) > this.x(s.lane), y = this.y(row) + 11;
    const from = right ? this.x(s.lane) + chip.offsetWidth : this.x(s.lane);
    const to = this.x(next.lane) + (right ? 4 : 12), down = this.y(row + 1) - 4;
    const kind = s.necessary ? "must" : "turn";
    if (right && from > to - 6) return; // its text covers the way
    this.turns.append(svg("path", { class: "turn " + kind, d: `M${from} ${y}H${to}V${down}`, "marker-end": `url(#m-${kind})` }));
  }

  hover(e) {
    const chip = e.target.closest(".step");
    if (chip) this.show(+chip.dataset.i);
    else if (e.target.closest(".body")) this.show(state.pane === this ? state.step : -1);
  }

  // show highlights what happens before and after a step, -1 for none.
  show(i) {
    if (this.shown === i) return;
    this.shown = i;
    this.edges.replaceChildren();
    this.body.classList.toggle("focus", i >= 0);
    for (const [, chip] of this.chips) chip.classList.remove("past", "future", "self");
    if (i < 0) { status(null); return; }
    const { steps } = this.trace, { happens } = this.order;
    const kind = j => j === i ? "self" : happens(j, i) ? "past" : happens(i, j) ? "future" : "";
    const kinds = steps.map((s, j) => kind(j));
    for (const [j, chip] of this.chips) if (kinds[j]) chip.classList.add(kinds[j]);
    // Edges between steps that have rows; what follows from others is left out.
    const into = new Map();
    steps.forEach((s, j) => {
      if (!kinds[j]) return;
      const to = this.visible(j, this.order.next);
      for (const k of s.after) {
        const from = kinds[k] ? this.visible(k, this.order.above) : -1;
        if (from < 0 || to < 0 || !kinds[from] || !kinds[to] || kinds[from] === "future" && kinds[to] === "past") continue;
        if (!into.has(to)) into.set(to, new Set());
        into.get(to).add(from);
      }
    });
    for (const [to, sources] of into) {
      const above = this.visible(this.order.above[to], this.order.above);
      for (const from of sources) {
        const known = above >= 0 && (from === above || happens(from, above)) || [...sources].some(k => k !== from && happens(from, k));
        if (!known) this.edge(from, to, kinds[to] === "future" ? "future" : "past");
      }
    }
    const count = k => kinds.filter(x => x === k).length;
    status(this, i, count("past"), count("future"));
  }

  // visible is the next step with a row in a direction, or the step itself.
  visible(i, direction) {
    while (i >= 0 && !this.rowOf.has(i)) i = direction[i];
    return i;
  }

  // edge draws that a step happens before another one.
  edge(from, to, kind) {
    const { steps } = this.trace, a = this.rowOf.get(from);
    let b = this.rowOf.get(to), down = 11;
    if (a >= b) { // it takes effect when the goroutine goes on
      const next = this.order.next[to];
      if (next < 0) return;
      b = Math.max(this.below[next], a + 1);
      down = -3;
    }
    const x1 = this.x(steps[from].lane) + 2, y1 = this.y(a) + 22, y2 = this.y(b) + down;
    const right = this.x(steps[to].lane) > x1, x2 = this.x(steps[to].lane) + (down < 0 ? 8 : right ? -1 : 26);
    const d = down < 0
      ? `M${x1} ${y1}C${x1} ${y2} ${x2} ${y1} ${x2} ${y2}`
      : right ? `M${x1} ${y1}C${x1} ${y2} ${x2 - 30} ${y2} ${x2} ${y2}` : `M${x1} ${y1}C${x1} ${y2 - 8} ${x2} ${y2 - 30} ${x2} ${y2 - 12}`;
    this.edges.append(svg("path", { class: "edge " + kind, d, "marker-end": `url(#m-${kind})` }));
  }

  scrollTo(i) {
    const top = this.y(this.rowOf.get(i)), head = 60, x = this.x(this.trace.steps[i].lane);
    const view = this.el.clientHeight - head;
    if (top < this.el.scrollTop + ROW) this.el.scrollTop = Math.max(top - ROW, 0);
    else if (top > this.el.scrollTop + view - 2 * ROW) this.el.scrollTop = top - view + 2 * ROW;
    if (x < this.el.scrollLeft) this.el.scrollLeft = Math.max(x - this.left, 0);
    else if (x + this.width > this.el.scrollLeft + this.el.clientWidth) this.el.scrollLeft = x + this.width - this.el.clientWidth;
  }
}

const state = { view: 0, all: false, panes: [], pane: null, step: -1 };
const views = [];
const size = t => `${t.total} step${t.total === 1 ? "" : "s"}`;
if (data.failing) {
  views.push({ name: data.found ? "Shrunk" : "Failing", panes: [[data.failing, `Fails, ${size(data.failing)}`, "fails"]] });
  if (data.found) views.push({ name: "As found", panes: [[data.found, `Fails, as it was found, ${size(data.found)}`, "fails"]] });
  if (data.passing) views.push({
    name: "Beside one that passes",
    panes: [[data.failing, `Fails, ${size(data.failing)}`, "fails", true], [data.passing, `Passes: a necessary choice is taken back, ${size(data.passing)}`, "passes", true]],
  });
}

function status(pane, i, past, future) {
  const bar = $("status");
  bar.replaceChildren();
  if (!pane) { bar.append(Object.assign(document.createElement("span"), { textContent: "Point at a step to see what happens before and after it; click to keep it." })); return; }
  const s = pane.trace.steps[i];
  const add = (name, text) => { if (text) bar.append(Object.assign(document.createElement(name), { textContent: text })); };
  add("span", `step ${i + pane.trace.first}`);
  add("span", pane.trace.lanes[s.lane]);
  add("b", s.text);
  add("span", s.site);
  add("span", pane.trace.clock ? `at ${s.time}` : "");
  add("span", s.necessary ? "necessary: without it there is no failure" : s.switch ? "preempted" : s.blocked ? "blocks" : "");
  add("span", `${past} before, ${future} after, ${pane.trace.steps.length - past - future - 1} concurrent`);
}

function select(pane, i) {
  for (const p of state.panes) if (p !== pane) p.show(-1);
  state.pane = pane; state.step = i;
  if (pane) { pane.show(i); if (i >= 0) pane.scrollTo(i); }
}

function build() {
  const view = views[state.view];
  $("panes").replaceChildren();
  const at = view.panes.length > 1 ? fork(view.panes[0][0], view.panes[1][0]) : -1;
  state.panes = view.panes.map(([trace, caption, kind, forked]) => new Pane(trace, caption, kind, forked ? at : -1, view.panes.length > 1));
  for (const p of state.panes) $("panes").append(p.el);
  state.pane = null; state.step = -1;
  if (state.panes.length > 1) {
    const [a, b] = state.panes;
    const follow = (from, to) => from.el.addEventListener("scroll", () => { if (from.el.matches(":hover") || state.pane === from) to.el.scrollTop = from.el.scrollTop; });
    follow(a, b); follow(b, a);
  }
  draw();
}

function draw() {
  for (const p of state.panes) { p.shown = -2; p.render(state.all); p.show(-1); }
  if (state.pane && state.step >= 0) select(state.pane, state.pane.rowOf.has(state.step) ? state.step : -1);
  [...$("views").children].forEach((b, i) => b.setAttribute("aria-pressed", i === state.view));
  $("all").setAttribute("aria-pressed", state.all);
  $("notable").setAttribute("aria-pressed", !state.all);
}

function move(by) {
  const pane = state.pane || state.panes[0];
  if (!pane.rows.length) return;
  const at = pane.rowOf.has(state.step) && state.pane ? pane.rowOf.get(state.step) + by : by > 0 ? 0 : pane.rows.length - 1;
  select(pane, pane.rows[Math.max(0, Math.min(pane.rows.length - 1, at))]);
}

function setView(i) { state.view = i; build(); }
function setAll(all) { state.all = all; draw(); }

const keys = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  a: () => setAll(!state.all), v: () => setView((state.view + 1) % views.length), Escape: () => select(state.pane, -1),
  Home: () => { state.step = -1; move(1); }, End: () => { state.step = -1; move(-1); },
};
for (const b of document.querySelectorAll(".copy")) {
  b.addEventListener("click", async () => {
    const code = b.previousElementSibling;
    try { await navigator.clipboard.writeText(code.textContent); b.textContent = "Copied"; } catch {
      getSelection().selectAllChildren(code); // a file: page may not write
    }
  });
}
if (views.length) {
  views.forEach((v, i) => {
    const b = document.createElement("button");
    b.type = "button"; b.textContent = v.name;
    b.addEventListener("click", () => setView(i));
    $("views").append(b);
  });
  $("all").addEventListener("click", () => setAll(true));
  $("notable").addEventListener("click", () => setAll(false));
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
    e.preventDefault();
    keys[e.key]();
  });
  let timer;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(draw, 100); });
  $("bar").hidden = false; $("status").hidden = false;
  state.all = data.failing.steps.length <= 60;
  build();
  const wanted = new URLSearchParams(location.hash.slice(1)); // #view=2&all=1&step=158
  if (wanted.has("view") && views[+wanted.get("view")]) setView(+wanted.get("view"));
  if (wanted.has("all")) setAll(wanted.get("all") === "1");
  if (wanted.has("step")) { const p = state.panes[0], i = +wanted.get("step") - p.trace.first; if (p.rowOf.has(i)) select(p, i); }
}
})();
