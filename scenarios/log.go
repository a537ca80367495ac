package scenarios

import (
	"io"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"github.com/startrace/startrace/sim"
)

// newLogger makes what a service logs part of the report and of nothing else.
func newLogger() *log.Entry {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetLevel(logrus.WarnLevel)
	l.AddHook(logHook{})
	return logrus.NewEntry(l)
}

type logHook struct{}

func (logHook) Levels() []logrus.Level { return logrus.AllLevels }

func (logHook) Fire(e *logrus.Entry) error {
	if err, ok := e.Data[logrus.ErrorKey]; ok {
		sim.Logf("log: %s: %v", e.Message, err)
	} else {
		sim.Logf("log: %s", e.Message)
	}
	return nil
}
