// Package cri_test checks the manifests of deploy/ against the types of Kubernetes, which
// are in the module graph of crictl.
package cri_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// parse reads a Job as the API server does that warns of nothing: names are told apart
// by case, and none is unknown or there twice.
func parse(text []byte) (job batchv1.Job, _ error) {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return job, err
	}
	strict, err := json.UnmarshalStrict(data, &job)
	return job, errors.Join(append(strict, err)...)
}

// TestParse is the canary of parse.
func TestParse(t *testing.T) {
	for text, ok := range map[string]bool{
		"spec: {completions: 1}":                 true,
		"spec: {Completions: 1}":                 false,
		"spec: {complete: 1}":                    false,
		"spec: {completions: 1, completions: 2}": false,
		"spec: {completions: x}":                 false,
	} {
		if _, err := parse([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestJob: the Indexed Job has no unknown field, and what its parts say fits together.
func TestJob(t *testing.T) {
	text, err := os.ReadFile("../../deploy/kubernetes/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	job, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	spec, pod := job.Spec, job.Spec.Template.Spec
	if *spec.CompletionMode != batchv1.IndexedCompletion || spec.BackoffLimitPerIndex == nil {
		t.Error("an index that fails is to be tried again by itself")
	}
	if *spec.MaxFailedIndexes > *spec.Completions {
		t.Error("more failed indexes than there are")
	}
	if pod.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("a failure policy needs pods that are not restarted")
	}
	actions := map[int32]batchv1.PodFailurePolicyAction{}
	for _, rule := range spec.PodFailurePolicy.Rules {
		if rule.OnExitCodes == nil {
			continue
		}
		if *rule.OnExitCodes.ContainerName != pod.Containers[0].Name {
			t.Errorf("there is no container %s", *rule.OnExitCodes.ContainerName)
		}
		if !slices.IsSorted(rule.OnExitCodes.Values) {
			t.Errorf("%v: the API wants them in order", rule.OnExitCodes.Values)
		}
		for _, code := range rule.OnExitCodes.Values {
			actions[code] = rule.Action
		}
	}
	for code, want := range map[int32]batchv1.PodFailurePolicyAction{
		1: batchv1.PodFailurePolicyActionFailIndex, 4: batchv1.PodFailurePolicyActionFailIndex, 3: batchv1.PodFailurePolicyActionCount,
	} {
		if actions[code] != want {
			t.Errorf("exit code %d: %s, want %s", code, actions[code], want)
		}
	}
	shards := slices.IndexFunc(pod.Containers[0].Env, func(e corev1.EnvVar) bool { return e.Name == "STARTRACE_SHARDS" })
	if shards < 0 || pod.Containers[0].Env[shards].Value != "8" || *spec.Completions != 8 {
		t.Error("STARTRACE_SHARDS is not the number of completions")
	}
}
