// SPDX-License-Identifier: Apache-2.0

// Log in with golang.org/x/crypto/ssh and a private key in a file, and print what a command prints.
// Usage: golang KEY USER HOST KNOWN_HOSTS COMMAND
package main

import (
	"log"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		log.Fatal(err)
	}
	known, err := knownhosts.New(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	client, err := ssh.Dial("tcp", os.Args[3]+":22", &ssh.ClientConfig{
		User:              os.Args[2],
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback:   known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	said, err := session.Output(os.Args[5])
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(said)
}
