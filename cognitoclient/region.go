package cognitoclient

import (
	"regexp"
	"slices"

	"github.com/agnivade/levenshtein"
)

// plausibleRegion reports whether a partition of AWS can have the Region: otherwise, a host made of it would not be AWS's.
func plausibleRegion(name string) bool {
	matches := func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(name) }
	return identifier(name, "-") != "" && slices.ContainsFunc(regionPatterns(), matches)
}

// KnownRegion reports whether the Region is one that the AWS SDK knows, and the known one with the most similar name. A
// Region that is not known may be mistyped, or newer than this program.
func KnownRegion(name string) (known bool, nearest string) {
	regions := knownRegions()
	return slices.Contains(regions, name), slices.MinFunc(regions, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}

// regionPatterns are those of the SDK's partitions, which it does not export; a test compares them.
func regionPatterns() []string {
	return []string{
		`^(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+$`,
		`^cn\-\w+\-\d+$`,
		`^eusc\-(de)\-\w+\-\d+$`,
		`^us\-iso\-\w+\-\d+$`,
		`^us\-isob\-\w+\-\d+$`,
		`^eu\-isoe\-\w+\-\d+$`,
		`^us\-isof\-\w+\-\d+$`,
		`^us\-gov\-\w+\-\d+$`,
	}
}

// knownRegions are those of the SDK's partitions; a test compares them.
func knownRegions() []string {
	return []string{
		"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
		"ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-isoe-west-1", "eu-north-1",
		"eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1",
		"me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1", "us-east-1", "us-east-2", "us-gov-east-1",
		"us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1", "us-isof-east-1", "us-isof-south-1",
		"us-west-1", "us-west-2",
	}
}
