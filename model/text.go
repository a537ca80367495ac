package model

import (
	"fmt"
	"strings"
)

// String renders the event for a report, without time and container:
// "StartContainer#2", "StartContainer#2 -> ok", "process 1 exits with 7".
func (e Event) String() string {
	switch e.Kind {
	case Call:
		return e.operation()
	case Return:
		if e.Err == "" {
			return e.operation() + " -> ok"
		}
		return e.operation() + " -> " + e.Err
	case TaskCreated:
		return fmt.Sprintf("task %d is created", e.Life)
	case Started:
		return fmt.Sprintf("process %d starts", e.Life)
	case Exited:
		return fmt.Sprintf("process %d exits with %d", e.Life, e.Code)
	case Signaled:
		return fmt.Sprintf("process %d gets signal %d", e.Life, e.Signal)
	case TaskDeleted:
		return fmt.Sprintf("task %d is deleted", e.Life)
	case Stored:
		return "stored " + e.Status.String()
	case Observed:
		return fmt.Sprintf("#%d sees %s", e.ID, e.Status)
	case Settled:
		return "settled: " + e.settled()
	default:
		return fmt.Sprintf("kind %d", e.Kind)
	}
}

func (e Event) operation() string {
	text := fmt.Sprintf("%s#%d", e.Op, e.ID)
	if e.Probe {
		text = "probe " + text
	}
	return text
}

func (e Event) settled() string {
	record, process := "no record", "no process"
	if e.Present {
		record = e.Status.String()
	}
	if e.Alive {
		process = "process alive"
	}
	return record + ", " + process
}

// String renders the history, one numbered line an event. The container is
// named when there is more than one.
func (h History) String() string {
	containers := map[string]bool{}
	for _, e := range h.Events {
		containers[e.Container] = true
	}
	var b strings.Builder
	for i, e := range h.Events {
		fmt.Fprintf(&b, "%3d  ", i)
		if len(containers) > 1 {
			fmt.Fprintf(&b, "%s: ", e.Container)
		}
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
