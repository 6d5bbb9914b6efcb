package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry has the metrics of the process.
func newRegistry() *prometheus.Registry {
	b := thisBuild()
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "useradmin_build_info",
			Help:        "1, with what the program was built from.",
			ConstLabels: prometheus.Labels{"version": b.version, "goversion": b.goVersion, "revision": b.revision},
		}, func() float64 { return 1 }))
	return registry
}

// expiryCollector tells when the credentials expire, and says nothing while there is nothing to say: a value of 0 would be a
// credential that expired long ago.
type expiryCollector struct {
	expiry func() (time.Time, bool)
	desc   *prometheus.Desc
}

func newExpiryCollector(expiry func() (time.Time, bool)) *expiryCollector {
	return &expiryCollector{expiry: expiry, desc: prometheus.NewDesc("useradmin_credentials_expiry_seconds",
		"When the AWS credentials in use expire, in seconds of Unix time; absent without credentials, and for those that never expire.", nil, nil)}
}

// Describe implements prometheus.Collector.
func (c *expiryCollector) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect implements prometheus.Collector.
func (c *expiryCollector) Collect(metrics chan<- prometheus.Metric) {
	if at, ok := c.expiry(); ok {
		metrics <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(at.Unix()))
	}
}
