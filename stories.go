package mooring

import "embed"

// Stories are the scripts of testdata/scenarios. Each is a test of this package, is played by `mooring demo`, and is
// quoted in the documents.
//
//go:embed testdata/scenarios/*.txt
var Stories embed.FS

// DemoStory is the live story of `mooring demo`.
//
//go:embed testdata/demo/story.txt
var DemoStory string
