using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Bench;

/// <summary>
/// Clients that ask a local server for pages, over plain sockets, because they run on the cores that they measure. They go through the
/// features in a random order that
/// comes again only when all were asked for.
/// </summary>
/// <param name="Port">Where the server listens on 127.0.0.1.</param>
/// <param name="Path">What stands before the index of a feature.</param>
/// <param name="Features">How many different pages.</param>
/// <param name="Clients">Connections.</param>
/// <param name="Requests">How many pages; fewer if the time is over before.</param>
/// <param name="Seconds">When nobody asks any more.</param>
/// <param name="Rate">Pages asked for in a second, whether or not others are answered; 0: each client asks when it has its answer.</param>
internal sealed record PageLoad(int Port, string Path, int Features, int Clients, int Requests, double Seconds = 600, double Rate = 0)
{
    private static readonly byte[] PageEnd = "</html>\n"u8.ToArray();

    /// <summary>Runs it in a process of its own, so that what it costs can be told from what the server costs.</summary>
    /// <param name="command">File to start and its arguments; none: it runs in this process.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    public async Task<PageLoadResult> Run(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        if (command.Count == 0)
            return await Run(cancellationToken);
        using var process = Process.Start(
            new ProcessStartInfo(command[0], [.. command.Skip(1), OwnProcess.Load])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        await using var registration = cancellationToken.Register(() => process.Kill());
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(this));
        process.StandardInput.Close();
        var line = await process.StandardOutput.ReadLineAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return line is null
            ? throw new GemmaScopeException("the process of the clients ended without a result; its own message stands above", command[0])
            : JsonSerializer.Deserialize<PageLoadResult>(line)!;
    }

    /// <summary>Runs it here.</summary>
    public async Task<PageLoadResult> Run(CancellationToken cancellationToken)
    {
        var order = Enumerable.Range(0, Features).ToArray();
        new Random(11).Shuffle(order);
        var (next, failed) = (-1, 0);
        var times = new List<double>[Clients];
        using var self = Process.GetCurrentProcess();
        var (before, begun) = (self.TotalProcessorTime, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => Ask(times[client] = []), cancellationToken)));
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        self.Refresh();
        double[] sorted = [.. times.SelectMany(some => some).Order()];
        return new(sorted.Length, failed, seconds, (self.TotalProcessorTime - before).TotalSeconds, Share(0.5), Share(0.99), Share(1));

        double Share(double part) => sorted.Length == 0 ? double.NaN : sorted[(int)(part * (sorted.Length - 1))];

        async Task Ask(List<double> times)
        {
            Socket? socket = null;
            var buffer = new byte[1 << 16];
            while (!cancellationToken.IsCancellationRequested && Interlocked.Increment(ref next) is var number && number < Requests)
            {
                // A page that had to be asked for late because none of the clients was free has waited since it was due.
                var due = Rate > 0 ? number / Rate : Stopwatch.GetElapsedTime(begun).TotalSeconds;
                if (due > Seconds)
                    break;
                if (due - Stopwatch.GetElapsedTime(begun).TotalSeconds is > 0 and var early)
                    await Task.Delay(TimeSpan.FromSeconds(early), cancellationToken);
                try
                {
                    if (socket is null)
                    {
                        socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                        await socket.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
                    }
                    var request = Encoding.ASCII.GetBytes($"GET {Path}{order[number % order.Length]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
                    await socket.SendAsync(request, cancellationToken);
                    if (!await IsWholePage(socket, buffer, cancellationToken))
                        throw new IOException();
                    times.Add(1e3 * (Stopwatch.GetElapsedTime(begun).TotalSeconds - due));
                }
                catch (Exception problem) when (problem is IOException or SocketException)
                {
                    Interlocked.Increment(ref failed);
                    socket?.Dispose();
                    socket = null;
                }
            }
            socket?.Dispose();
        }
    }

    /// <summary>Whether an answer is 200 and has all the bytes that it declares, of which the last end a page.</summary>
    private static async Task<bool> IsWholePage(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        int filled = 0,
            head;
        while ((head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (filled == buffer.Length || await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken) is not (> 0 and var more))
                return false;
            filled += more;
        }
        if (!buffer.AsSpan(0, filled).StartsWith("HTTP/1.1 200"u8))
            return false;
        var left = Length(buffer.AsSpan(0, head)) - (filled - head - 4);
        // The end of a page may come in two parts.
        while (left > 0)
        {
            var kept = Math.Min(filled, PageEnd.Length);
            buffer.AsSpan(filled - kept, kept).CopyTo(buffer);
            var more = await socket.ReceiveAsync(buffer.AsMemory(kept), cancellationToken);
            if (more == 0)
                return false;
            (filled, left) = (kept + more, left - more);
        }
        return left == 0 && buffer.AsSpan(0, filled).EndsWith(PageEnd);
    }

    private static int Length(ReadOnlySpan<byte> head)
    {
        var at = head.IndexOf("Content-Length: "u8);
        if (at < 0)
            return int.MaxValue;
        var rest = head[(at + "Content-Length: ".Length)..];
        var end = rest.IndexOf((byte)'\r');
        return int.Parse(end < 0 ? rest : rest[..end], CultureInfo.InvariantCulture);
    }
}

/// <summary>What came of it.</summary>
/// <param name="Answered">Whole pages.</param>
/// <param name="Failed">Everything else that was asked for.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="ProcessorSeconds">What the clients themselves cost.</param>
/// <param name="Median">Milliseconds of a page, from when it was due.</param>
/// <param name="Slow">Milliseconds that 1 % of the pages exceed.</param>
/// <param name="Slowest">Milliseconds of the slowest page.</param>
internal sealed record PageLoadResult(
    int Answered,
    int Failed,
    double Seconds,
    double ProcessorSeconds,
    double Median,
    double Slow,
    double Slowest
)
{
    /// <summary>Pages in a second.</summary>
    public double Rate => Answered / Seconds;
}
