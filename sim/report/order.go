package report

import "container/heap"

// causality is the partial order of the steps of a trace.
type causality struct {
	before [][]int // by step, those that it directly comes after, its own lane included
	next   []int   // the next step of the lane, -1 for none
	effect []int   // index at which a step takes effect: its own, or that of next
	order  []int   // all steps, so that each comes after those before it
	circle bool    // there is no such order: the rest is by index
}

func newCausality(t Trace) *causality {
	n := len(t.Steps)
	c := &causality{before: make([][]int, n), next: make([]int, n), effect: make([]int, n)}
	last := map[int]int{}
	for i, s := range t.Steps {
		c.next[i] = -1
		if j, ok := last[s.Lane]; ok {
			c.next[j] = i
			c.before[i] = append(c.before[i], j)
		}
		last[s.Lane] = i
		for _, j := range s.After {
			if j == i {
				c.circle = true
			} else if j >= 0 && j < n {
				c.before[i] = append(c.before[i], j)
			}
		}
	}
	for i := range c.effect {
		c.effect[i] = i
		// Whoever is alone until its next step went on at once.
		if k := c.next[i]; k > i+1 && t.Steps[i].Op != "log" {
			c.effect[i] = k
		}
	}
	c.sort()
	return c
}

// sort is Kahn's algorithm (Topological sorting of large networks, CACM 1962),
// with the step first that takes effect first.
func (c *causality) sort() {
	n := len(c.before)
	after := make([][]int, n)
	missing := make([]int, n)
	queue := &stepQueue{key: c.effect}
	for i, before := range c.before {
		missing[i] = len(before)
		for _, j := range before {
			after[j] = append(after[j], i)
		}
		if len(before) == 0 {
			heap.Push(queue, i)
		}
	}
	done := make([]bool, n)
	rest := 0
	for len(c.order) < n {
		if queue.Len() == 0 {
			c.circle = true
			for done[rest] {
				rest++
			}
			heap.Push(queue, rest)
		}
		i := heap.Pop(queue).(int)
		if done[i] {
			continue
		}
		done[i] = true
		c.order = append(c.order, i)
		for _, j := range after[i] {
			if missing[j]--; missing[j] == 0 && !done[j] {
				heap.Push(queue, j)
			}
		}
	}
}

// stepQueue is a heap of steps.
type stepQueue struct {
	steps []int
	key   []int
}

func (q *stepQueue) Len() int      { return len(q.steps) }
func (q *stepQueue) Swap(i, j int) { q.steps[i], q.steps[j] = q.steps[j], q.steps[i] }
func (q *stepQueue) Push(x any)    { q.steps = append(q.steps, x.(int)) }

func (q *stepQueue) Less(i, j int) bool {
	a, b := q.steps[i], q.steps[j]
	if q.key[a] != q.key[b] {
		return q.key[a] < q.key[b]
	}
	return a < b
}

func (q *stepQueue) Pop() any {
	last := len(q.steps) - 1
	x := q.steps[last]
	q.steps = q.steps[:last]
	return x
}

// clocks gives each step its vector clock, indexed by lane (Fidge 1988, Mattern
// 1989). One step happens before another if its clock is less.
func (c *causality) clocks(t Trace) [][]int {
	width := len(t.Lanes)
	for _, s := range t.Steps {
		width = max(width, s.Lane+1)
	}
	clocks := make([][]int, len(t.Steps))
	for _, i := range c.order {
		clock := make([]int, width)
		for _, j := range c.before[i] {
			for lane, n := range clocks[j] {
				clock[lane] = max(clock[lane], n)
			}
		}
		clock[t.Steps[i].Lane]++
		clocks[i] = clock
	}
	return clocks
}
