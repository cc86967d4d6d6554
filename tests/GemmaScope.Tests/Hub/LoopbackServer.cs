using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GemmaScope.Tests.Files;

/// <summary>A request as it came over the wire.</summary>
public sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string Path => Uri.UnescapeDataString(Target.Split('?')[0]);

    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>First byte asked for.</summary>
    public long From => this["Range"] is { } range ? long.Parse(range["bytes=".Length..].TrimEnd('-')) : 0;
}

/// <summary>An answer; with <see cref="CutAfter"/> the connection is reset after so many bytes of the body.</summary>
public sealed record Answer(int Status, byte[]? Body = null, params (string Name, string Value)[] Headers)
{
    public int? CutAfter { get; init; }

    public static Answer Text(string text) => new(200, Encoding.UTF8.GetBytes(text));
}

/// <summary>A small HTTP server on a free port of loopback; every connection carries one request.</summary>
public sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Request, Task<Answer>> _answer;

    public LoopbackServer(Func<Request, Task<Answer>> answer)
    {
        _answer = answer;
        _listener.Start();
        Address = new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Address { get; }

    public ConcurrentQueue<Request> Requests { get; } = new();

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            await using var stream = client.GetStream();
            if (await ReadAsync(stream) is not { } request)
                return;
            Requests.Enqueue(request);
            await WriteAsync(client, stream, request, await _answer(request));
        }
        catch (IOException)
        {
            // The client went away, as some tests make it do.
        }
    }

    private static async Task<Request?> ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        if (await reader.ReadLineAsync() is not { Length: > 0 } line)
            return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
            headers[header[..header.IndexOf(':')]] = header[(header.IndexOf(':') + 1)..].Trim();
        var parts = line.Split(' ');
        return new(parts[0], parts[1], headers);
    }

    private static async Task WriteAsync(TcpClient client, NetworkStream stream, Request request, Answer answer)
    {
        var body = answer.Body ?? [];
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} Status\r\nConnection: close\r\n");
        foreach (var (name, value) in answer.Headers)
            head.Append($"{name}: {value}\r\n");
        if (!answer.Headers.Any(h => h.Name == "Content-Length"))
            head.Append($"Content-Length: {body.Length}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
        if (request.Method == "HEAD")
            return;
        await stream.WriteAsync(body.AsMemory(0, Math.Min(answer.CutAfter ?? body.Length, body.Length)));
        await stream.FlushAsync();
        if (answer.CutAfter is not null)
            client.Client.Shutdown(SocketShutdown.Send);
    }
}
