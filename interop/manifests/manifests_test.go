package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

// known are the kinds in deploy/: whole objects of Kubernetes, specs of Istio.
func known() map[string]any {
	return map[string]any{
		"v1 ServiceAccount":                        &core.ServiceAccount{},
		"v1 ConfigMap":                             &core.ConfigMap{},
		"v1 Service":                               &core.Service{},
		"apps/v1 Deployment":                       &apps.Deployment{},
		"policy/v1 PodDisruptionBudget":            &policy.PodDisruptionBudget{},
		"networking.k8s.io/v1 NetworkPolicy":       &network.NetworkPolicy{},
		"networking.istio.io/v1 VirtualService":    &networking.VirtualService{},
		"networking.istio.io/v1 DestinationRule":   &networking.DestinationRule{},
		"networking.istio.io/v1 Sidecar":           &networking.Sidecar{},
		"security.istio.io/v1 PeerAuthentication":  &security.PeerAuthentication{},
		"security.istio.io/v1 AuthorizationPolicy": &security.AuthorizationPolicy{},
	}
}

// documents are the file's documents by kind.
func documents(t *testing.T, name string) map[string][][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][][]byte{}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		key := kind.APIVersion + " " + kind.Kind
		all[key] = append(all[key], document)
	}
	return all
}

// only is the one document of the kind.
func only(t *testing.T, name, kind string) []byte {
	t.Helper()
	all := documents(t, name)[kind]
	if len(all) != 1 {
		t.Fatalf("%s has %d of %s", name, len(all), kind)
	}
	return all[0]
}

// Every field of every manifest is one that its kind has, with a value of its type.
func TestFields(t *testing.T) {
	for _, name := range []string{"kubernetes/useradmin.yaml", "istio/useradmin.yaml"} {
		for kind, all := range documents(t, name) {
			for _, document := range all {
				if err := decode(kind, document); err != nil {
					t.Errorf("%s: %s: %v", name, kind, err)
				}
			}
		}
	}
}

func decode(kind string, document []byte) error {
	into, ok := known()[kind]
	if !ok {
		return errors.New("unknown kind")
	}
	if spec, ok := into.(proto.Message); ok && strings.Contains(kind, ".istio.io/") {
		return decodeSpec(document, spec)
	}
	return yaml.UnmarshalStrict(document, into)
}

func decodeSpec(document []byte, spec proto.Message) error {
	var manifest struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       map[string]any `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(document, &manifest); err != nil {
		return err
	}
	text, err := yaml.Marshal(manifest.Spec)
	if err != nil {
		return err
	}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		return err
	}
	return protojson.Unmarshal(text, spec)
}

// deployment is that of Kubernetes, or with the patch for a mesh.
func deployment(t *testing.T, mesh bool) apps.Deployment {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(only(t, "kubernetes/useradmin.yaml", "apps/v1 Deployment"))
	if err != nil {
		t.Fatal(err)
	}
	if mesh {
		patch, err := yaml.YAMLToJSONStrict(only(t, "istio/deployment.yaml", "apps/v1 Deployment"))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = strategicpatch.StrategicMergePatch(text, patch, apps.Deployment{}); err != nil {
			t.Fatal(err)
		}
	}
	var d apps.Deployment
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// environment are the container's variables.
func environment(c core.Container) map[string]string {
	all := map[string]string{}
	for _, variable := range c.Env {
		all[variable.Name] = variable.Value
	}
	return all
}

// mounted is the volume of the file.
func mounted(t *testing.T, pod core.PodSpec, file string) core.Volume {
	t.Helper()
	for _, mount := range pod.Containers[0].VolumeMounts {
		if filepath.Dir(file) != mount.MountPath {
			continue
		}
		at := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == mount.Name })
		if at < 0 || mount.SubPath != "" {
			t.Fatalf("%s: no volume %s, or a file of it that never changes", file, mount.Name)
		}
		return pod.Volumes[at]
	}
	t.Fatalf("%s is not mounted", file)
	return core.Volume{}
}

// Without a mesh, callers prove who they are by certificates: the files are there, and the key is not for everybody.
func TestMutualTLS(t *testing.T) {
	pod := deployment(t, false).Spec.Template.Spec
	env := environment(pod.Containers[0])
	if env["USERADMIN_AUTHN"] != "mtls" {
		t.Errorf("authn is %q", env["USERADMIN_AUTHN"])
	}
	for _, name := range []string{"USERADMIN_TLS_CERT", "USERADMIN_TLS_KEY", "USERADMIN_TLS_CLIENT_CA"} {
		volume := mounted(t, pod, env[name])
		if secret := volume.Secret; secret == nil || secret.DefaultMode == nil || *secret.DefaultMode != 0o440 {
			t.Errorf("%s is in %+v", name, volume)
		}
	}
	if pod.SecurityContext.FSGroup == nil || *pod.SecurityContext.FSGroup != *pod.SecurityContext.RunAsGroup {
		t.Error("the service can't read its key")
	}
	checkPolicy(t, pod)
}

// checkPolicy wants the policy from the ConfigMap.
func checkPolicy(t *testing.T, pod core.PodSpec) {
	t.Helper()
	var policies core.ConfigMap
	if err := yaml.UnmarshalStrict(only(t, "kubernetes/useradmin.yaml", "v1 ConfigMap"), &policies); err != nil {
		t.Fatal(err)
	}
	file := environment(pod.Containers[0])["USERADMIN_POLICY"]
	volume := mounted(t, pod, file)
	if volume.ConfigMap == nil || volume.ConfigMap.Name != policies.Name || *volume.ConfigMap.DefaultMode&0o022 != 0 {
		t.Errorf("the policy is in %+v", volume)
	}
	if policies.Data[filepath.Base(file)] == "" {
		t.Errorf("the ConfigMap has no %s", filepath.Base(file))
	}
}

// In a mesh the sidecar reaches the service on a socket that both can open, and sets the header that the service accepts.
func TestSidecar(t *testing.T) {
	d := deployment(t, true)
	pod := d.Spec.Template.Spec
	env := environment(pod.Containers[0])
	socket := strings.TrimPrefix(env["USERADMIN_LISTEN"], "unix://")
	if volume := mounted(t, pod, socket); env["USERADMIN_AUTHN"] != "xfcc" || volume.EmptyDir == nil || *pod.SecurityContext.FSGroup != 1337 {
		t.Errorf("authn %q on %s in %+v", env["USERADMIN_AUTHN"], socket, volume)
	}
	for name := range env {
		if strings.HasPrefix(name, "USERADMIN_TLS_") {
			t.Errorf("%s is left", name)
		}
	}
	if slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Secret != nil }) {
		t.Error("a secret is left")
	}
	checkPolicy(t, pod)
	annotations := d.Spec.Template.Annotations
	var mounts []core.VolumeMount
	if err := yaml.UnmarshalStrict([]byte(annotations["sidecar.istio.io/userVolumeMount"]), &mounts); err != nil || len(mounts) != 1 || mounts[0].MountPath != filepath.Dir(socket) {
		t.Errorf("the sidecar mounts %v, %v", mounts, err)
	}
	text, err := yaml.YAMLToJSONStrict([]byte(annotations["proxy.istio.io/config"]))
	if err != nil {
		t.Fatal(err)
	}
	var config meshconfig.ProxyConfig
	if err := protojson.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	headers := config.GetProxyHeaders()
	set := headers.GetSetCurrentClientCertDetails()
	if headers.GetForwardedClientCert() != meshconfig.ForwardClientCertDetails_SANITIZE_SET || set.GetSubject().GetValue() || set.GetDns().GetValue() || !set.GetUri().GetValue() {
		t.Errorf("the sidecar's headers: %v", headers)
	}
	var s networking.Sidecar
	if err := decodeSpec(only(t, "istio/useradmin.yaml", "networking.istio.io/v1 Sidecar"), &s); err != nil {
		t.Fatal(err)
	}
	if in := s.GetIngress()[0]; in.GetDefaultEndpoint() != env["USERADMIN_LISTEN"] || in.GetPort().GetNumber() != 50051 {
		t.Errorf("the sidecar connects to %v", in)
	}
}

// The Deployment has what the service needs: time to drain, probes of the right services, no root.
func TestDeployment(t *testing.T) {
	var d apps.Deployment
	if err := yaml.UnmarshalStrict(only(t, "kubernetes/useradmin.yaml", "apps/v1 Deployment"), &d); err != nil {
		t.Fatal(err)
	}
	pod := d.Spec.Template.Spec
	container := pod.Containers[0]
	if *pod.TerminationGracePeriodSeconds != 45 || !*pod.SecurityContext.RunAsNonRoot {
		t.Errorf("grace %d s, non-root %t", *pod.TerminationGracePeriodSeconds, *pod.SecurityContext.RunAsNonRoot)
	}
	if links := pod.EnableServiceLinks; links == nil || *links {
		t.Error("service links become settings")
	}
	for _, probe := range []struct {
		*core.Probe
		path string
	}{{container.ReadinessProbe, "/readyz"}, {container.LivenessProbe, "/livez"}, {container.StartupProbe, "/livez"}} {
		if get := probe.HTTPGet; get.Path != probe.path || get.Port.String() != "metrics" {
			t.Errorf("a probe asks for %s on %s, want %s", get.Path, get.Port.String(), probe.path)
		}
	}
}

// A single lost probe ejects no pod, and the drain is seen before connections are asked to close.
func TestReadiness(t *testing.T) {
	var d apps.Deployment
	if err := yaml.UnmarshalStrict(only(t, "kubernetes/useradmin.yaml", "apps/v1 Deployment"), &d); err != nil {
		t.Fatal(err)
	}
	container := d.Spec.Template.Spec.Containers[0]
	at := slices.IndexFunc(container.Env, func(e core.EnvVar) bool { return e.Name == "USERADMIN_DRAIN_DELAY" })
	if at < 0 {
		t.Fatal("no drain delay")
	}
	delay, err := time.ParseDuration(container.Env[at].Value)
	if err != nil {
		t.Fatal(err)
	}
	probe := container.ReadinessProbe
	seen := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second
	if probe.FailureThreshold < 2 || seen == 0 || seen > delay {
		t.Errorf("%d probes in a row must fail, which takes %s of the drain's %s", probe.FailureThreshold, seen, delay)
	}
}

// Prometheus finds the port of the metrics, the service listens there, and the policy lets it in.
func TestScrapes(t *testing.T) {
	var d apps.Deployment
	if err := yaml.UnmarshalStrict(only(t, "kubernetes/useradmin.yaml", "apps/v1 Deployment"), &d); err != nil {
		t.Fatal(err)
	}
	container := d.Spec.Template.Spec.Containers[0]
	port := d.Spec.Template.Annotations["prometheus.io/port"]
	at := slices.IndexFunc(container.Ports, func(p core.ContainerPort) bool { return p.Name == "metrics" })
	if scrape := d.Spec.Template.Annotations["prometheus.io/scrape"]; scrape != "true" || at < 0 || fmt.Sprint(container.Ports[at].ContainerPort) != port {
		t.Errorf("scrape %q, port %q of %v", scrape, port, container.Ports)
	}
	for _, want := range []core.EnvVar{{Name: "USERADMIN_ADMIN_LISTEN", Value: "0.0.0.0:" + port}, {Name: "USERADMIN_ADMIN_OPEN", Value: "true"}} {
		if !slices.Contains(container.Env, want) {
			t.Errorf("no %s=%s", want.Name, want.Value)
		}
	}
	var p network.NetworkPolicy
	if err := yaml.UnmarshalStrict(only(t, "kubernetes/useradmin.yaml", "networking.k8s.io/v1 NetworkPolicy"), &p); err != nil {
		t.Fatal(err)
	}
	admitted := slices.ContainsFunc(p.Spec.Ingress, func(rule network.NetworkPolicyIngressRule) bool {
		return len(rule.From) > 0 && slices.ContainsFunc(rule.Ports, func(p network.NetworkPolicyPort) bool { return p.Port.String() == port })
	})
	if !admitted {
		t.Error("the policy does not admit Prometheus")
	}
}

// labelled reports whether the route is only for callers with the label.
func labelled(route *networking.HTTPRoute) bool {
	for _, match := range route.GetMatch() {
		if match.GetSourceLabels()["useradmin-allow-confirmed"] != "true" {
			return false
		}
	}
	return len(route.GetMatch()) > 0
}

// Istio retries twice by default, which is the hazard: each route sets its own retries, and none repeats a call that a
// broken connection or the caller has ended.
func TestRetries(t *testing.T) {
	var v networking.VirtualService
	if err := decodeSpec(only(t, "istio/useradmin.yaml", "networking.istio.io/v1 VirtualService"), &v); err != nil {
		t.Fatal(err)
	}
	for _, route := range v.GetHttp() {
		if route.GetRetries() == nil {
			t.Errorf("%s leaves Istio's default on", route.GetName())
		}
		if !labelled(route) && route.GetRetries().GetAttempts() != 0 {
			t.Errorf("%s repeats calls of callers without the label for allow_confirmed", route.GetName())
		}
		if route.GetRetries().GetAttempts() == 0 {
			continue
		}
		for on := range strings.SplitSeq(route.GetRetries().GetRetryOn(), ",") {
			switch on {
			case "unavailable", "connect-failure", "refused-stream":
			default:
				t.Errorf("%s repeats on %s", route.GetName(), on)
			}
		}
	}
}
