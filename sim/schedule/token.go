package schedule

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// Errors of Parse, ReadFile and ParseText, to be tested with errors.Is.
var (
	ErrNotToken  = errors.New("not a schedule token")
	ErrVersion   = errors.New("unknown schedule version")
	ErrTruncated = errors.New("schedule token is truncated")
	ErrDamaged   = errors.New("schedule is damaged")
	ErrTooLarge  = errors.New("schedule is too large")
)

// The token, version 1, is "st1." and in base64url without padding:
//
//	length of the body   uvarint
//	body                 flags, one byte; fields (deflated if flagDeflated)
//	checksum             CRC-32 (IEEE) of the body, 4 bytes, little endian
//
// The fields are those named by the flags, in this order, then the choices up
// to the end of the body:
//
//	Label, Options       uvarint length, bytes
//	Rand                 uvarint
//	Hash                 8 bytes, little endian
//	a choice c > 0       uvarint c<<1
//	n > 0 zeros          uvarint n<<1 | 1, never twice in a row, never last
//
// A change of any of it needs a new version, since tokens outlive builds.
const (
	tokenPrefix = "st"
	rawPrefix   = "raw"
	version     = "1"

	flagDeflated = 1 << 0
	flagLabel    = 1 << 1
	flagOptions  = 1 << 2
	flagRand     = 1 << 3
	flagHash     = 1 << 4
	flagsKnown   = 1<<5 - 1

	checksumSize = 4

	// Fewer bytes than this hardly ever get shorter, and trying is not cheap.
	worthDeflating = 64 // bytes
)

// Token returns s as one printable word: letters, digits, '.', '-' and '_'. It
// is a few characters for each deviation, however long the execution was.
// [Parse] returns the same schedule without its trailing zeros, unless s is
// beyond [MaxChoices] or [MaxText].
func (s Schedule) Token() string {
	body := s.appendBody(nil)
	data := binary.AppendUvarint(nil, uint64(len(body)))
	data = append(data, body...)
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(body))
	return tokenPrefix + version + "." + base64.RawURLEncoding.EncodeToString(data)
}

// Parse reads a token back, or a plain list "raw1:0,0,2,1", which a process
// prints that crashed before it could make a token. White space around it is
// ignored. The error is one of ErrNotToken, ErrVersion, ErrTruncated,
// ErrDamaged or ErrTooLarge.
func Parse(token string) (Schedule, error) {
	token = strings.TrimSpace(token)
	if text, ok, err := cutVersion(token, tokenPrefix, "."); ok || err != nil {
		if err != nil {
			return Schedule{}, err
		}
		return parseToken(text)
	}
	if text, ok, err := cutVersion(token, rawPrefix, ":"); ok || err != nil {
		if err != nil {
			return Schedule{}, err
		}
		return parseRaw(text)
	}
	return Schedule{}, fmt.Errorf("%w: %q does not start with %q or %q", ErrNotToken,
		excerpt(token), tokenPrefix+version+".", rawPrefix+version+":")
}

// cutVersion splits "<prefix><digits><end><rest>" and returns the rest. It is
// an error if the digits are another version's.
func cutVersion(token, prefix, end string) (rest string, ok bool, err error) {
	rest, ok = strings.CutPrefix(token, prefix)
	if !ok {
		return "", false, nil
	}
	number, rest, ok := strings.Cut(rest, end)
	if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
		return "", false, nil
	}
	if number != version {
		return "", false, fmt.Errorf("%w: %q; this build reads %q", ErrVersion,
			excerpt(prefix+number+end), prefix+version+end)
	}
	return rest, true, nil
}

// excerpt keeps error messages short when they quote what was given.
func excerpt(text string) string {
	const limit = 24
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}

func parseToken(text string) (Schedule, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(text) {
		if strings.IndexByte(alphabet, text[i]) < 0 {
			return Schedule{}, fmt.Errorf("%w: byte %d of the token is %q", ErrDamaged,
				len(tokenPrefix+version+".")+i+1, text[i])
		}
	}
	if len(text)%4 == 1 {
		return Schedule{}, fmt.Errorf("%w: %d characters are no whole number of bytes", ErrTruncated, len(text))
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	length, n := binary.Uvarint(data)
	switch rest := uint64(len(data) - max(n, 0)); {
	case n == 0 || n > 0 && (rest < checksumSize || rest-checksumSize < length):
		return Schedule{}, fmt.Errorf("%w: the end is missing", ErrTruncated)
	case n < 0 || rest-checksumSize > length:
		return Schedule{}, fmt.Errorf("%w: it is longer than it says", ErrDamaged)
	}
	body, sum := data[n:n+int(length)], data[n+int(length):]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return Schedule{}, fmt.Errorf("%w: the checksum does not match", ErrDamaged)
	}
	// The last character may carry bits that no byte uses.
	if base64.RawURLEncoding.EncodeToString(data) != text {
		return Schedule{}, fmt.Errorf("%w: the last character is not the one written", ErrDamaged)
	}
	return parseBody(body)
}

// appendBody appends flags and fields, deflated if that is shorter.
func (s Schedule) appendBody(body []byte) []byte {
	flags, fields := s.fields()
	if len(fields) >= worthDeflating {
		if packed := deflate(fields); len(packed) < len(fields) {
			flags, fields = flags|flagDeflated, packed
		}
	}
	body = append(body, flags)
	return append(body, fields...)
}

func (s Schedule) fields() (flags byte, fields []byte) {
	text := func(flag byte, value string) {
		if value != "" {
			flags |= flag
			fields = binary.AppendUvarint(fields, uint64(len(value)))
			fields = append(fields, value...)
		}
	}
	text(flagLabel, s.Label)
	text(flagOptions, s.Options)
	if s.Rand != 0 {
		flags |= flagRand
		fields = binary.AppendUvarint(fields, s.Rand)
	}
	if s.Hash != 0 {
		flags |= flagHash
		fields = binary.LittleEndian.AppendUint64(fields, s.Hash)
	}
	zeros := uint64(0)
	for _, choice := range trim(s.Choices) {
		if choice == 0 {
			zeros++
			continue
		}
		if zeros > 0 {
			fields = binary.AppendUvarint(fields, zeros<<1|1)
			zeros = 0
		}
		fields = binary.AppendUvarint(fields, uint64(choice)<<1)
	}
	return flags, fields
}

func deflate(data []byte) []byte {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	// A bytes.Buffer does not fail.
	_, _ = w.Write(data)
	_ = w.Close()
	return packed.Bytes()
}

// parseBody reads flags and fields. The checksum was right, so an error means
// that a program other than this one wrote the token.
func parseBody(body []byte) (s Schedule, err error) {
	if len(body) == 0 {
		return Schedule{}, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	flags := body[0]
	if flags&^flagsKnown != 0 {
		return Schedule{}, fmt.Errorf("%w: unknown flags %#x", ErrDamaged, flags)
	}
	// Inflated piece by piece: what a few bytes may swell to is bounded by the
	// limits on the fields.
	r := bufio.NewReader(bytes.NewReader(body[1:]))
	if flags&flagDeflated != 0 {
		r = bufio.NewReader(flate.NewReader(bytes.NewReader(body[1:])))
	}
	if flags&flagLabel != 0 {
		if s.Label, err = readText(r); err != nil {
			return Schedule{}, fmt.Errorf("label: %w", err)
		}
	}
	if flags&flagOptions != 0 {
		if s.Options, err = readText(r); err != nil {
			return Schedule{}, fmt.Errorf("options: %w", err)
		}
	}
	if flags&flagRand != 0 {
		if s.Rand, err = binary.ReadUvarint(r); err != nil {
			return Schedule{}, fmt.Errorf("%w: seed: %w", ErrDamaged, err)
		}
	}
	if flags&flagHash != 0 {
		if err = binary.Read(r, binary.LittleEndian, &s.Hash); err != nil {
			return Schedule{}, fmt.Errorf("%w: hash: %w", ErrDamaged, err)
		}
	}
	if s.Choices, err = readChoices(r); err != nil {
		return Schedule{}, err
	}
	return s, nil
}

func readText(r *bufio.Reader) (string, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if n > MaxText {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, MaxText)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return string(text), nil
}

func readChoices(r *bufio.Reader) ([]uint32, error) {
	var choices []uint32
	afterZeros := false
	for {
		if _, err := r.Peek(1); err == io.EOF {
			break
		}
		v, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, fmt.Errorf("%w: choice %d: %w", ErrDamaged, len(choices), err)
		}
		count, choice := v>>1, uint64(0)
		zeros := v&1 == 1
		if !zeros {
			count, choice = 1, v>>1
		}
		if count == 0 || zeros == (choice != 0) || zeros && afterZeros || choice > 1<<32-1 {
			return nil, fmt.Errorf("%w: choice %d: unexpected %#x", ErrDamaged, len(choices), v)
		}
		if count > uint64(MaxChoices-len(choices)) {
			return nil, fmt.Errorf("%w: at most %d choices", ErrTooLarge, MaxChoices)
		}
		choices = appendRun(choices, uint32(choice), int(count))
		afterZeros = zeros
	}
	if afterZeros {
		return nil, fmt.Errorf("%w: the last choice is 0", ErrDamaged)
	}
	return choices, nil
}

func appendRun(choices []uint32, choice uint32, count int) []uint32 {
	n := len(choices)
	choices = slices.Grow(choices, count)[:n+count]
	run := choices[n:]
	clear(run)
	if choice != 0 {
		for i := range run {
			run[i] = choice
		}
	}
	return choices
}

// parseRaw reads the rest of "raw1:0,0,2,1".
func parseRaw(text string) (Schedule, error) {
	var s Schedule
	if text == "" {
		return s, nil
	}
	for i, word := range strings.Split(text, ",") {
		var err error
		if s.Choices, err = appendWord(s.Choices, strings.TrimSpace(word)); err != nil {
			return Schedule{}, fmt.Errorf("entry %d of the list: %w", i+1, err)
		}
	}
	s.Choices = trim(s.Choices)
	return s, nil
}
