package search

import "github.com/startrace/startrace/scenarios"

// texts are the workloads that every mutant meets, those with less first. They
// are chosen by what the harness can do, not by what the mutants are.
var texts = []string{
	"start|stop|exit=7",
	"start|start|stop|remove|exit=7; loss",
	"start|status|stop=10s|status|remove|exit=7; faults=2",
	"stop=10s|stop=10s|status|exit=3; running; faults=2:tasks.Get,tasks.Kill",
	"start|stop=10s|stop=1m|remove; ignoreterm",
	"start|start|status|exit=1; faults=3:checkpoint.Write",
	"start|stop=10s|remove|exit=7; faults=3:tasks.Create,tasks.Delete,tasks.Get,tasks.Kill,tasks.Start,tasks.Wait",
	"start|remove|remove|exit; faults=3:checkpoint.Remove,containers.Delete,tasks.Get",
	"create|start|stop|exit=7; faults=2:checkpoint.Write,containers.Create,containers.Delete",
	"start|exit=7|remove; plan={tasks.Wait=1*error(unavailable);tasks.Delete/after-effect=1*error(deadline-exceeded)}",
	"start|stop=10s|exit=7|restart",
	"start|stop=10s|stop=10s|giveup; ignoreterm",
	"stop=10s|status|giveup; running; faults=1:tasks.Get,tasks.Kill",
	"start|stop=10s|remove|exit=7|giveup; faults=1",
	"create|start|giveup; plan={containers.Create/before-effect=1*slow(12s);tasks.Create/before-effect=1*slow(12s)}",
	"start|stop|exit=7|crash",
	"start|status|exit=7|crash; faults=2:checkpoint.Write,tasks.Create,tasks.Start",
	"start|status|status|status|crash; plan={tasks.Create=1*error(unavailable);disk.write=1*error(ENOSPC)}",
	"start|exit=7|crash|crash; faults=2",
	"stop|remove|exit=7|status|crash; running; faults=1",
	"exit=7|status|status|status|status|crash; running; faults=1:checkpoint.Write",
	"status|crash; running; plan={tasks.Get=1*kill}",
	"remove|remove|exit=7|crash|crash; running",
	"create|start|stopsandbox|removesandbox",
	"a.start|b.start|a.exit=7|stopsandbox",
	"a.start|b.create|b.start|a.exit=7|stopsandbox; pause",
	"a.start|b.start|stopsandbox|removesandbox|crash; pause; faults=2",
	"start|start|stop|exit=7|watch|watch=1s; faults=2",
	"start|stop|exit=7|watch|stall|crash",
	"start|stop|stop=10s|exit=7; hooks; faults=1",
	"start|exit=7|remove|crash; hooks",
	"start|exit=7|crash|restart; hooks",
	"start|update|update; faults=2",
	"update|update|crash; running; faults=1",
	"update|crash; running; plan={tasks.Update/after-effect=1*error(unavailable)}",
	"update|status; running; plan={tasks.Update/after-effect=1*error(unavailable);tasks.Update/before-effect=1*off->2*error(unavailable)}",
	"start|update|stop|exit=7|giveup",
	"start|oom|status|status|stop=10s|watch",
	"exec|exec=10s|stop|exit=7; running; faults=1",
	"exec|exec=10s|giveup; running; faults=1",
	"a.start|a.hang|b.start|b.stop=10s|b.status|b.remove|list",
	"a.stop|a.remove|a.hang|b.status|b.exit=3|list; running; hooks",
}

func workloads() []scenarios.Workload {
	all := make([]scenarios.Workload, len(texts))
	for i, text := range texts {
		w, err := scenarios.ParseWorkload(text)
		if err != nil {
			panic(err) // a test reads them all
		}
		all[i] = w
	}
	return all
}
