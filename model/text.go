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
		return e.more()
	}
}

// more is String for the kinds that few histories have.
func (e Event) more() string {
	switch e.Kind {
	case ExecStarted:
		return fmt.Sprintf("exec %s starts in process %d", e.Exec, e.Life)
	case ExecExited:
		return fmt.Sprintf("%s learns the end of exec %s in process %d", e.Channel, e.Exec, e.Life)
	case OOMKilled:
		return fmt.Sprintf("process %d is out of memory", e.Life)
	case Applied:
		return "resources are " + e.Resources
	case Unreliable:
		return e.What + " may be lost"
	case Hung:
		return "the runtime hangs"
	case Resumed:
		return "the runtime answers again"
	case Notified:
		return fmt.Sprintf("%s learns %s of process %d", e.Channel, e.Notice, e.Life)
	case Unsubscribed:
		return e.Channel + " learns nothing more"
	case Member:
		return "belongs to sandbox " + e.Sandbox
	case Canceled:
		return fmt.Sprintf("the caller of #%d gives up", e.ID)
	case Crashed:
		return "the service crashes"
	case Recovered:
		if e.Err != "" {
			return "the service does not recover: " + e.Err
		}
		return "the service has recovered"
	case Leftover:
		return "left: " + e.What
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
