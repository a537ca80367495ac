package conformance

import (
	"slices"
	"strings"
)

// StepOps returns the names of what sequences consist of.
func StepOps() []string {
	all := []string{
		"Container.Delete", "Container.Info", "Container.NewTask", "Container.Task", "NewContainer",
		"NewContainer ignoring TERM", "containers.Delete",
		"Exit", "Task.CloseIO", "Task.Delete", "Task.Delete with kill", "Task.Exec", "Task.Kill KILL", "Task.Kill KILL all",
		"Task.Kill TERM", "Task.Pause", "Task.Pids", "Task.Resume", "Task.Start", "Task.Status", "Task.Update", "Task.Wait",
		"tasks.Delete", "tasks.ResizePty",
	}
	return append(all, execSteps()...)
}

func execSteps() []string {
	return []string{
		"Exec.CloseIO", "Exec.Delete", "Exec.Exit", "Exec.Kill KILL", "Exec.Kill TERM", "Exec.Start", "Exec.Status",
		"Exec.Wait", "tasks.DeleteProcess",
	}
}

// DrawSequence draws the names of n operations by pick, which returns one of
// those it is given. Three of four are such as may succeed, as far as one can
// tell without looking at a daemon: most of what is drawn blindly would be
// refused, and a task never come far.
func DrawSequence(n int, pick func(from []string) string) []string {
	guess := guess{container: true, task: Created}
	names := make([]string, 0, n)
	for i := range n {
		from := guess.fitting()
		if i%4 == 3 {
			from = StepOps()
		}
		// What draws may prefer the first ones.
		from = slices.Concat(from[i%len(from):], from[:i%len(from)])
		name := pick(from)
		guess.follow(name)
		names = append(names, name)
	}
	return names
}

// guess is where a sequence probably is.
type guess struct {
	container  bool
	task, exec State // NoTask; for exec "" too
}

// fitting returns operations that may succeed.
func (g guess) fitting() []string {
	switch {
	case !g.container:
		return []string{"NewContainer", "NewContainer ignoring TERM"}
	case g.task == Created:
		return []string{"Task.Start", "Task.Exec", "Task.Start", "Task.Status", "Task.Start", "Task.Kill TERM", "Task.Pids", "tasks.Delete"}
	case g.task == Stopped:
		return []string{"Task.Delete", "Task.Wait", "tasks.Delete", "Task.Delete", "Task.Kill KILL all"}
	case g.task == Paused:
		return append([]string{"Task.Resume", "Task.Pids", "Task.Resume", "Task.Kill TERM", "Task.Update", "Task.Resume", "Task.Kill KILL"}, g.onExec()...)
	case g.task == Running:
		return append([]string{"Task.Pause", "Exit", "Task.Exec", "Task.Wait", "Task.Kill TERM", "Task.Exec", "Task.Delete with kill", "Task.Update", "Task.Kill KILL"}, g.onExec()...)
	default:
		return []string{"Container.NewTask", "Container.Info", "Container.NewTask", "Container.Delete", "Container.NewTask"}
	}
}

func (g guess) onExec() []string {
	switch g.exec {
	case ExecCreated:
		return []string{"Exec.Start", "Exec.Wait", "Exec.Start", "Exec.Delete", "Exec.Start", "Exec.Start"}
	case ExecRunning:
		return []string{"Exec.Kill KILL", "Exec.Exit", "Exec.Kill TERM", "Exec.Status", "Exec.Exit", "Exec.CloseIO", "Exec.Wait"}
	case ExecStopped:
		return []string{"Exec.Delete", "Exec.Wait", "tasks.DeleteProcess", "Exec.Status"}
	default:
		return []string{"Task.Exec"}
	}
}

// follow guesses what an operation does.
func (g *guess) follow(name string) {
	switch {
	case strings.HasPrefix(name, "NewContainer"):
		g.container = true
	case name == "Container.NewTask" && g.task == NoTask && g.container:
		g.task, g.exec = Created, ""
	case name == "Container.Delete" && g.task == NoTask, name == "containers.Delete":
		g.container = false
	case name == "Task.Start" && g.task == Created, name == "Task.Resume" && g.task == Paused:
		g.task = Running
	case name == "Task.Pause" && g.task == Running:
		g.task = Paused
	case strings.HasPrefix(name, "Task.Kill") && g.task != NoTask, name == "Exit" && g.task == Running:
		g.task = Stopped
	case name == "tasks.Delete" && g.task != Running, name == "Task.Delete" && g.task == Stopped, name == "Task.Delete with kill":
		g.task = NoTask
	case name == "Task.Exec" && (g.task == Created || g.task == Running) && g.exec == "":
		g.exec = ExecCreated
	case name == "Exec.Start" && g.exec == ExecCreated:
		g.exec = ExecRunning
	case (strings.HasPrefix(name, "Exec.Kill") || name == "Exec.Exit") && g.exec == ExecRunning:
		g.exec = ExecStopped
	case (name == "Exec.Delete" || name == "tasks.DeleteProcess") && g.exec != ExecRunning:
		g.exec = ""
	}
}
