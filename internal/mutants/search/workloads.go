package search

import "github.com/startrace/startrace/scenarios"

// texts are the workloads that every mutant meets, those with less first. They
// are chosen by what the harness can do, not by what the mutants are.
var texts = []string{
	"start|stop|exit=7",
	"start|start|stop|remove|exit=7; loss",
	"start|status|stop=10s|remove|exit=7; faults=2",
	"stop=10s|stop=10s|exit=3; running; faults=2:tasks.Kill,tasks.Get",
	"start|stop=10s|stop=1m|remove; ignoreterm",
	"start|start|exit=1; faults=3:checkpoint.Write",
	"start|stop=10s|remove|exit=7; faults=3:tasks.Create,tasks.Start,tasks.Wait,tasks.Kill,tasks.Delete",
	"start|remove|remove|exit; faults=3:containers.Delete,checkpoint.Remove,tasks.Get",
	"create|start|stop|exit=7; faults=2:containers.Create,checkpoint.Write,containers.Delete",
	"start|stop|exit=7|crash",
	"start|exit=7|crash|crash; faults=2",
	"stop|remove|exit=7|crash; running; faults=1",
	"a.start|b.create|b.start|a.exit=7|stopsandbox",
	"a.start|b.create|b.start|stopsandbox|removesandbox; faults=2",
	"start|stop=10s|exit=7|restart",
	"start|exit=7|remove; plan={tasks.Wait=1*error(unavailable);tasks.Delete/after-effect=1*error(deadline-exceeded)}",
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
