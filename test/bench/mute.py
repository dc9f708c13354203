#!/usr/bin/python3
"""A server that takes every connection and never says a word.

    mute.py PORT
"""
import socket
import sys
import time


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    # The kernel takes the connections; that nobody accepts them makes no difference to who waits.
    while listener:
        time.sleep(3600)


if __name__ == "__main__":
    main()
