// Package noisy stands for code whose operations are of no interest to a test,
// such as a logger.
package noisy

import "sync"

// Log keeps lines, under a lock.
type Log struct {
	mu    sync.Mutex
	lines int
}

// Print adds a line.
func (l *Log) Print() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines++
}

// Counter forgets the lock between reading and writing.
type Counter struct {
	mu sync.Mutex
	n  int
}

// Add adds 1, or not.
func (c *Counter) Add() {
	n := c.Value()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = n + 1
}

// Value returns what was added.
func (c *Counter) Value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Set is a Counter that others look at until it is set.
type Set[T any] struct {
	mu    sync.Mutex
	value *T
}

// Put sets the value.
func (s *Set[T]) Put(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = &value
}

// Has tells whether there is a value.
func (s *Set[T]) Has() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value != nil
}
