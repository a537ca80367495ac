package schedule

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sparse is a shrunk schedule of a long execution, dense what a random walk took.
var (
	sparse = Schedule{
		Label: "preseed/start|remove", Rand: 7, Options: "early=1", Hash: 0x5f3c0c3f8f0d2a11,
		Choices: slices.Concat(make([]uint32, 117), []uint32{2}, make([]uint32, 9), []uint32{1}),
	}
	dense = Schedule{Choices: slices.Repeat([]uint32{0, 0, 1, 2, 0, 1}, 20)}
)

// The tokens of version 1. They are in people's bug reports: if this test
// fails, the format needs a new version.
func TestTokenGolden(t *testing.T) {
	for token, s := range goldenTokens() {
		assert.Equal(t, token, s.Token())
	}
}

func goldenTokens() map[string]Schedule {
	return map[string]Schedule{
		"st1.AQCN7wLS":        {},
		"st1.AgAC03PXrw":      {Choices: []uint32{1}},
		"st1.AwAHBMyLbbc":     {Choices: []uint32{0, 0, 0, 2}},
		"st1.BgD-____HwSNdzg": {Choices: []uint32{math.MaxUint32}},
		"st1.LB4UcHJlc2VlZC9zdGFydHxyZW1vdmUHZWFybHk9MQcRKg2PPww8X-sBBBMCQdz8Ew": sparse,
	}
}

// A deflated token is read back forever; the bytes of the deflater are not ours.
func TestTokenDeflated(t *testing.T) {
	const token = "st1.DgFiZWJhZqIxAQgAAP__qZB4KA"
	s, err := Parse(token)
	require.NoError(t, err)
	assert.Equal(t, dense, s)
	assert.Less(t, len(dense.Token()), len(token)+20)
}

func TestTokenIsShort(t *testing.T) {
	choices := make([]uint32, 1_000_000)
	choices[100_000], choices[999_999] = 1, 2
	assert.LessOrEqual(t, len(Schedule{Choices: choices}.Token()), 26)
	assert.Equal(t, Schedule{}.Token(), Schedule{Choices: make([]uint32, 1000)}.Token())
}

func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule().Draw(t, "schedule")
		token := s.Token()
		got, err := Parse(" " + token + "\n")
		require.NoError(t, err)
		require.Equal(t, s.clone(), got)
		require.Equal(t, token, got.Token())
		require.NotContains(t, strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), "=")
	})
}

func anySchedule() *rapid.Generator[Schedule] {
	choice := rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32Range(0, 3), rapid.Uint32())
	run := rapid.Custom(func(t *rapid.T) []uint32 {
		return slices.Repeat([]uint32{choice.Draw(t, "choice")}, rapid.IntRange(1, 200).Draw(t, "times"))
	})
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()),
		func(b []byte) string { return string(b) }))
	return rapid.Custom(func(t *rapid.T) Schedule {
		return Schedule{
			Label:   text.Draw(t, "label"),
			Rand:    rapid.Uint64().Draw(t, "rand"),
			Options: text.Draw(t, "options"),
			Choices: slices.Concat(rapid.SliceOf(run).Draw(t, "runs")...),
			Hash:    rapid.Uint64().Draw(t, "hash"),
		}
	})
}

// Whatever single character is lost, added or changed, nothing is read.
func TestTokenDamage(t *testing.T) {
	for _, s := range []Schedule{{}, sparse, dense} {
		token := s.Token()
		for i := len("st1."); i < len(token); i++ {
			for _, c := range []string{"", "A", "B", "_", "z", "=", "+", " "} {
				for _, damaged := range []string{token[:i] + c + token[i+1:], token[:i] + c + token[i:]} {
					if strings.TrimSpace(damaged) == token {
						continue
					}
					_, err := Parse(damaged)
					require.Error(t, err, "%q instead of %q", damaged, token)
				}
			}
			_, err := Parse(token[:i])
			require.ErrorIs(t, err, ErrTruncated, "%q of %q", token[:i], token)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name, token string
		want        error
		message     string
	}{
		{"empty", "", ErrNotToken, `not a schedule token: "" does not start with "st1." or "raw1:"`},
		{"word", "startrace", ErrNotToken, `not a schedule token: "startrace" does not start with "st1." or "raw1:"`},
		{"dot", "st.AQCN7wLS", ErrNotToken, ""},
		{"no dot", "st1", ErrNotToken, ""},
		{"later version", "st9.AQCN7wLS", ErrVersion, `unknown schedule version: "st9."; this build reads "st1."`},
		{"later list", "raw2:0", ErrVersion, `unknown schedule version: "raw2:"; this build reads "raw1:"`},
		{"nothing after the prefix", "st1.", ErrTruncated, "schedule token is truncated: the end is missing"},
		{"half a byte", "st1.AQCN7", ErrTruncated, ""},
		{"foreign character", "st1.AQ!N7wLS", ErrDamaged, `schedule is damaged: byte 7 of the token is '!'`},
		{"checksum", "st1.AQCN7wLT", ErrDamaged, "schedule is damaged: the checksum does not match"},
		{"unused bits", "st1.AgAC03PXrx", ErrDamaged, "schedule is damaged: the last character is not the one written"},
		{"list of words", "raw1:0,x", ErrDamaged, `entry 2 of the list: schedule is damaged: "x" is no number below 1<<32`},
		{"list with a gap", "raw1:0,,1", ErrDamaged, ""},
		{"large choice", "raw1:4294967296", ErrDamaged, ""},
		{"negative choice", "raw1:-1", ErrDamaged, ""},
		{"endless list", "raw1:0*99999999999", ErrTooLarge, ""},
		{"empty body", forge(), ErrDamaged, ""},
		{"unknown flag", forge(1 << 5), ErrDamaged, "schedule is damaged: unknown flags 0x20"},
		{"no label", forge(flagLabel), ErrDamaged, ""},
		{"short label", forge(flagLabel, 2, 'a'), ErrDamaged, ""},
		{"long label", forge(flagLabel, 0xff, 0xff, 0xff, 0x7f), ErrTooLarge, "label: schedule is too large: 268435455 bytes, at most 4096"},
		{"long options", forge(flagOptions, 0xff, 0xff, 0x7f), ErrTooLarge, ""},
		{"no seed", forge(flagRand), ErrDamaged, ""},
		{"short hash", forge(flagHash, 1, 2, 3), ErrDamaged, ""},
		{"choice 0", forge(0, 0), ErrDamaged, "schedule is damaged: choice 0: unexpected 0x0"},
		{"no zeros", forge(0, 1, 2), ErrDamaged, ""},
		{"zeros at the end", forge(0, 2, 3), ErrDamaged, "schedule is damaged: the last choice is 0"},
		{"zeros twice", forge(0, 3, 3, 2), ErrDamaged, ""},
		{"choice above 32 bits", forge(0, 0x80, 0x80, 0x80, 0x80, 0x20), ErrDamaged, ""},
		{"cut choice", forge(0, 0x80), ErrDamaged, ""},
		{"endless zeros", forge(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 2), ErrTooLarge, "schedule is too large: at most 16777216 choices"},
		{"not deflated", forge(flagDeflated, 0xff, 0xff), ErrDamaged, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Parse(test.token)
			require.ErrorIs(t, err, test.want)
			if test.message != "" {
				assert.EqualError(t, err, test.message)
			}
			assert.Equal(t, Schedule{}, s)
		})
	}
}

// forge makes a token with a right checksum around any body.
func forge(body ...byte) string {
	data := binary.AppendUvarint(nil, uint64(len(body)))
	data = append(data, body...)
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(body))
	return "st1." + base64.RawURLEncoding.EncodeToString(data)
}

// A few bytes that inflate to a lot are refused before they take memory.
func TestParseBomb(t *testing.T) {
	const zeros = 5000
	run := append(binary.AppendUvarint(nil, zeros<<1|1), 2)
	bomb := deflate(slices.Repeat(run, 100*MaxChoices/zeros))
	require.Less(t, len(bomb), 2000)
	_, err := Parse(forge(append([]byte{flagDeflated}, bomb...)...))
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestParseRaw(t *testing.T) {
	for text, want := range map[string][]uint32{
		"raw1:":                    nil,
		"raw1:0":                   nil,
		"raw1:0,0,2,1":             {0, 0, 2, 1},
		"raw1:0, 0, 2, 1, 0":       {0, 0, 2, 1},
		"raw1:0*3,4294967295,1*2 ": {0, 0, 0, math.MaxUint32, 1, 1},
	} {
		s, err := Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, Schedule{Choices: want}, s, text)
	}
}

func FuzzParse(f *testing.F) {
	for token := range goldenTokens() {
		f.Add(token)
	}
	f.Add(dense.Token())
	f.Add("raw1:0,0*3,2")
	f.Add("st9.AQCN7wLS")
	f.Add("raw1:0*16777216")
	f.Fuzz(func(t *testing.T, token string) {
		s, err := Parse(token)
		if err != nil {
			return
		}
		again, err := Parse(s.Token())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
