package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/coder/websocket"
)

func main() {
	connection, _, err := websocket.Dial(context.Background(), os.Args[1]+"?encoding=text", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.CloseNow()
	connection.SetReadLimit(16 << 20) // The library's own limit is 32 KiB, less than a flashblock.
	for range 20 {
		_, message, err := connection.Read(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		var flashblock struct {
			Index    int
			Metadata struct {
				BlockNumber uint64 `json:"block_number"`
			}
		}
		if json.Unmarshal(message, &flashblock) == nil {
			fmt.Printf("%d-%d\n", flashblock.Metadata.BlockNumber, flashblock.Index)
		}
	}
}
