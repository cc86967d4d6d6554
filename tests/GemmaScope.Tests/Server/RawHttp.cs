using System.Net.Sockets;
using System.Text;

namespace GemmaScope.Tests.Server;

/// <summary>Sends bytes as they are, which no client would, and reads the answer.</summary>
internal static class RawHttp
{
    /// <summary>Far beyond any answer: only what hangs comes to it.</summary>
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(3);

    /// <summary>The answer in Latin-1, head and body; empty where the connection was closed without one.</summary>
    /// <param name="server">Where it listens.</param>
    /// <param name="request">All that is sent; then the sending end is closed if asked for.</param>
    /// <param name="close">Whether the request ends where the bytes end.</param>
    public static async Task<string> Send(Uri server, byte[] request, bool close = false)
    {
        using var limit = new CancellationTokenSource(Never);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port, limit.Token);
        var answer = new MemoryStream();
        try
        {
            await socket.SendAsync(request, limit.Token);
            if (close)
                socket.Shutdown(SocketShutdown.Send);
            var buffer = new byte[1 << 16];
            while (await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var read)
                answer.Write(buffer, 0, read);
        }
        // A server that refuses a body may close before all of it is sent.
        catch (SocketException) { }
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    /// <summary>A request whose connection ends with the answer.</summary>
    public static byte[] Request(string method, string target, string headers = "", byte[]? body = null) =>
        [
            .. Encoding.Latin1.GetBytes(
                $"{method} {target} HTTP/1.1\r\n{(headers.Contains("Host:", StringComparison.OrdinalIgnoreCase) ? "" : "Host: localhost\r\n")}Connection: close\r\n{(body is null || headers.Contains("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) ? "" : $"Content-Length: {body.Length}\r\n")}{headers}\r\n"
            ),
            .. body ?? [],
        ];

    /// <summary>The status of an answer; 0 for none.</summary>
    public static int Status(string answer) => answer.Length == 0 ? 0 : int.Parse(answer.Split(' ')[1]);
}
