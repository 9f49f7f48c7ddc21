// Checks tlog-proofs (c2sp.org/tlog-proof@v1) of Plumbline with golang.org/x/mod/sumdb/{note,tlog}, which nobody here wrote.
//
//	check-tlog-proof VERIFIER-KEY < PROOFS
//
// Each line of PROOFS is one file in base64. Each line of the answer is "holds INDEX SIZE" or "refused REASON".
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var b64 = base64.StdEncoding.Strict()

func hash(line string) (h tlog.Hash, err error) {
	decoded, err := b64.DecodeString(line)
	if err != nil {
		return h, err
	}
	if len(decoded) != tlog.HashSize {
		return h, errors.New("a hash of another length")
	}
	return tlog.Hash(decoded), nil
}

// The entry of the log is the block's record, in the evidence that the extra line brings along.
func recordOf(extra string) ([]byte, error) {
	decoded, err := b64.DecodeString(extra)
	if err != nil {
		return nil, err
	}
	var shown struct {
		Evidence struct {
			Blocks []struct{ Record string }
		}
	}
	if err := json.Unmarshal(decoded, &shown); err != nil {
		return nil, err
	}
	if len(shown.Evidence.Blocks) != 1 {
		return nil, errors.New("not of one block")
	}
	record := shown.Evidence.Blocks[0].Record
	if !strings.HasPrefix(record, "0x") || record != strings.ToLower(record) {
		return nil, errors.New("a record in another form")
	}
	return hex.DecodeString(record[2:])
}

func check(file string, verifier note.Verifier) (index int64, size int64, err error) {
	front, checkpoint, found := strings.Cut(file, "\n\n")
	if !found {
		return 0, 0, errors.New("no checkpoint")
	}
	lines := strings.Split(front, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, 0, errors.New("not a tlog-proof")
	}
	extra, hasExtra := strings.CutPrefix(lines[1], "extra ")
	number, hasIndex := strings.CutPrefix(lines[2], "index ")
	if !hasExtra || !hasIndex {
		return 0, 0, errors.New("no extra or no index")
	}
	index, err = strconv.ParseInt(number, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != number {
		return 0, 0, errors.New("no index")
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		node, err := hash(line)
		if err != nil {
			return 0, 0, err
		}
		proof = append(proof, node)
	}
	record, err := recordOf(extra)
	if err != nil {
		return 0, 0, err
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		return 0, 0, err
	}
	text := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(text) != 3 || text[0] != verifier.Name() {
		return 0, 0, errors.New("not a checkpoint of this log")
	}
	size, err = strconv.ParseInt(text[1], 10, 64)
	if err != nil {
		return 0, 0, err
	}
	root, err := hash(text[2])
	if err != nil {
		return 0, 0, err
	}
	return index, size, tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(record))
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: check-tlog-proof VERIFIER-KEY < PROOFS")
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		file, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		index, size, err := check(string(file), verifier)
		if err != nil {
			fmt.Fprintf(out, "refused %q\n", err.Error())
		} else {
			fmt.Fprintf(out, "holds %d %d\n", index, size)
		}
	}
}
