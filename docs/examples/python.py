# pip install websockets; python3 python.py ws://127.0.0.1:8545/ws
import asyncio, json, sys
import websockets

async def main(url):
    async with websockets.connect(url + "?encoding=text", max_size=16 * 2**20, compression=None) as stream:
        for _ in range(20):
            flashblock = json.loads(await stream.recv())
            print(f'{flashblock["metadata"]["block_number"]}-{flashblock["index"]}')

asyncio.run(main(sys.argv[1]))
