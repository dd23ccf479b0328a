/* pipe_relay.c - owns a named pipe as Docker Engine on Windows does, and passes the bytes of each of its
 * connections to a TCP port on loopback, where the test's engine answers.
 *   pipe_relay.exe \\.\pipe\name PORT [INSTANCES [ACCEPT_DELAY_MS]]
 * INSTANCES: how many ends of the pipe exist at most (a client that finds none free sees
 * ERROR_PIPE_BUSY); ACCEPT_DELAY_MS: pause before each new end is offered. Says "ready" once the pipe
 * exists. Ends when it is killed: then the pipe is away. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

struct link {
    HANDLE pipe;
    SOCKET socket;
    volatile LONG sides; /* directions still open; the last one frees */
};

/* Looks of 5 ms for a pipe that nobody else has any more. */
#define EARLY_MAX 2000

static int port;

/* One overlapped call to its end: answers the bytes moved, 0 at the end of the stream or on error. */
static DWORD moved(HANDLE pipe, BOOL done, OVERLAPPED *o)
{
    DWORD n = 0;

    if (!done && GetLastError() != ERROR_IO_PENDING)
        return 0;
    return GetOverlappedResult(pipe, o, &n, TRUE) ? n : 0;
}

static void let_go(struct link *l)
{
    if (InterlockedDecrement(&l->sides) > 0)
        return;
    (void)CloseHandle(l->pipe); /* unlike a disconnect, this leaves unread bytes to the client */
    (void)closesocket(l->socket);
    free(l);
}

static DWORD WINAPI to_engine(void *arg)
{
    struct link *l = arg;
    OVERLAPPED o = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
    char bytes[16384];
    DWORD n;

    while ((n = moved(l->pipe, ReadFile(l->pipe, bytes, sizeof(bytes), NULL, &o), &o)) > 0) {
        for (DWORD sent = 0; sent < n;) {
            int part = send(l->socket, bytes + sent, (int)(n - sent), 0);

            if (part <= 0) {
                n = 0;
                break;
            }
            sent += (DWORD)part;
        }
        if (n == 0)
            break;
    }
    (void)shutdown(l->socket, SD_BOTH); /* the client has gone: the engine must not wait for it */
    (void)CloseHandle(o.hEvent);
    let_go(l);
    return 0;
}

static DWORD WINAPI to_client(void *arg)
{
    struct link *l = arg;
    OVERLAPPED o = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
    char bytes[16384];
    int n;

    while ((n = recv(l->socket, bytes, sizeof(bytes), 0)) > 0) {
        if (moved(l->pipe, WriteFile(l->pipe, bytes, (DWORD)n, NULL, &o), &o) != (DWORD)n)
            break;
    }
    (void)shutdown(l->socket,
                   SD_BOTH); /* the engine has ended the answer: no more requests are read ... */
    while (l->sides == 2) {  /* ... also where the next read had not begun */
        (void)CancelIoEx(l->pipe, NULL);
        Sleep(1);
    }
    (void)CloseHandle(o.hEvent);
    let_go(l);
    return 0;
}

static void start(HANDLE pipe)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((u_short)port) };
    struct link *l = calloc(1, sizeof(*l));
    BOOL on = TRUE;
    HANDLE a, b;

    if (!l) {
        (void)CloseHandle(pipe);
        return;
    }
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->pipe = pipe;
    l->sides = 2;
    l->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (l->socket == INVALID_SOCKET ||
        connect(l->socket, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)printf("engine unreachable: %d\n", WSAGetLastError());
        l->sides = 1;
        let_go(l);
        return;
    }
    (void)setsockopt(l->socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    a = CreateThread(NULL, 65536, to_engine, l, 0, NULL);
    b = CreateThread(NULL, 65536, to_client, l, 0, NULL);
    if (!a || !b)
        ExitProcess(3); /* no memory: the test's world is over */
    (void)CloseHandle(a);
    (void)CloseHandle(b);
}

int main(int argc, char **argv)
{
    DWORD instances = argc > 3 ? strtoul(argv[3], NULL, 10) : PIPE_UNLIMITED_INSTANCES;
    DWORD delay_ms = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    OVERLAPPED o = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
    BOOL told = FALSE;
    unsigned early = 0;
    WSADATA data;

    if (argc < 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    port = (int)strtol(argv[2], NULL, 10);
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    for (;;) {
        HANDLE pipe = CreateNamedPipeA(argv[1], PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                       PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT, instances,
                                       65536, 65536, 0, NULL);

        if (pipe == INVALID_HANDLE_VALUE) {
            /* All ends are in use; or those of a relay that was ended a moment ago are not gone yet. */
            if (GetLastError() != ERROR_PIPE_BUSY && (told || ++early > EARLY_MAX)) {
                (void)printf("no pipe: %lu\n", GetLastError());
                return 1;
            }
            Sleep(5);
            continue;
        }
        if (!told) {
            (void)puts("ready");
            told = TRUE;
        }
        if (!ConnectNamedPipe(pipe, &o) && GetLastError() == ERROR_IO_PENDING) {
            DWORD n;

            (void)GetOverlappedResult(pipe, &o, &n, TRUE);
        }
        start(pipe);
        if (delay_ms)
            Sleep(delay_ms);
    }
}
