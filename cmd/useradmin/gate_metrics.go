package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// register registers what the gate is made of.
func (g *gate) register(registerer prometheus.Registerer) error {
	g.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "useradmin_reload_failures_total",
		Help: "Looks at new certificates or a new policy that found something wrong, so that the old ones stay in use; by files.",
	}, []string{"files"})
	all := []prometheus.Collector{g.failures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "useradmin_authn_info", Help: "1, with how callers prove who they are.",
		ConstLabels: prometheus.Labels{"authn": g.flags.Authn},
	}, func() float64 { return 1 })}
	if g.tls != nil {
		g.failures.WithLabelValues("tls")
		all = append(all, expiryGauge("certificate", func() time.Time { at, _ := g.tls.Expiry(); return at }),
			expiryGauge("client_ca", func() time.Time { _, at := g.tls.Expiry(); return at }))
	}
	if g.policies != nil {
		g.failures.WithLabelValues("policy")
		all = append(all, &policyCollector{gate: g, info: prometheus.NewDesc("useradmin_policy_info",
			"1, with the SHA-256 of the policy in use.", []string{"sha256"}, nil)},
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "useradmin_policy_loaded_seconds", Help: "When the policy in use was loaded, in seconds of Unix time.",
			}, func() float64 { return float64(g.policies.Loaded().Unix()) }))
	}
	for _, c := range all {
		if err := registerer.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func expiryGauge(file string, at func() time.Time) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "useradmin_tls_expiry_seconds",
		Help:        "When the first certificate of the server's chain in use, or the next of the client CAs, expires, in seconds of Unix time.",
		ConstLabels: prometheus.Labels{"file": file},
	}, func() float64 { return float64(at().Unix()) })
}

// policyCollector tells which policy is in use.
type policyCollector struct {
	gate *gate
	info *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *policyCollector) Describe(descs chan<- *prometheus.Desc) { descs <- c.info }

// Collect implements prometheus.Collector.
func (c *policyCollector) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, 1, c.gate.policies.Current().Sum())
}
