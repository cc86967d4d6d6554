#:property PublishAot=false
// Load on `gemmascope serve`: many clients, a kill and a restart in the middle. Run:
//     dotnet build src/GemmaScope.Cli -c Release && dotnet run bench/serve-shield.cs [CLIENTS] [SECONDS] [QUEUE] [ASSEMBLY]
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

var clients = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 200;
var seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 120;
var queue = args.Length > 2 ? args[2] : "128";
var assembly = args.Length > 3 ? args[3] : "src/GemmaScope.Cli/bin/Release/net10.0/gemmascope.dll";

// What the fitted line may rise over the time it is fitted to, as a share of the mean. The first sixth is left out, and however slow the
// machine is, some hundred texts: until then
// code is compiled, the heap of the garbage collector finds its size, and the largest batch that the queue makes has not been seen.
const double mostTrend = 0.05;
const double warming = 1 / 6.0,
    watched = 1 / 3.0;
const int warmTexts = 500;

var port = FreePort();
using var client = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(30) })
{
    BaseAddress = new Uri($"http://127.0.0.1:{port}"),
    Timeout = TimeSpan.FromSeconds(100),
};
var server = await Start();
var load = new Load(client);
var running = Enumerable.Range(0, clients).Select(i => load.Ask(i)).ToArray();

var whole = Stopwatch.StartNew();
var lives = new List<Memory> { await Watch() };

load.Gap = true;
server.Kill();
await server.WaitForExitAsync();
var down = Stopwatch.StartNew();
server = await Start();
load.Gap = false;
var gap = down.Elapsed;

lives.Add(await Watch());
load.Over = true;
await Task.WhenAll(running);
using (var terminate = Process.Start("kill", ["-TERM", $"{server.Id}"]))
    await terminate.WaitForExitAsync();
var ended = server.WaitForExit(TimeSpan.FromSeconds(40)) && server.ExitCode == 0;

double[] times = [.. load.Times.Order()];
Console.WriteLine(
    $"{clients} clients, {whole.Elapsed.TotalSeconds:0} s: {load.Sent} requests; {load.Answered} answered, {load.Refused} refused with "
        + $"429, {load.InGap} lost in the gap of {gap.TotalSeconds:0.0} s, {load.Failed} failed"
);
Console.WriteLine($"{load.Answered / whole.Elapsed.TotalSeconds:0.0} texts/s; {Share(0.5):0} ms p50, {Share(0.99):0} ms p99");
foreach (var (life, memory) in lives.Index())
    Console.WriteLine(
        $"memory {(life == 0 ? "before the kill" : "after the restart")}: {memory.Mean:0} MB when warm, {memory.Lowest:0} to "
            + $"{memory.Highest:0}, trend {Math.Round(memory.Trend, 3) + 0.0:+0.0%;-0.0%;0.0%} over {memory.Seconds:0} s"
    );
Console.WriteLine($"ended in order: {(ended ? "yes" : "no")}");
foreach (var (problem, count) in load.Problems)
    Console.WriteLine($"{count} x {problem}");
var counted = load.Sent == load.Answered + load.Refused + load.InGap + load.Failed;
return counted && load is { Failed: 0, Answered: > 0 } && lives.All(memory => memory.Trend <= mostTrend) && ended ? 0 : 1;

double Share(double part) => times.Length == 0 ? double.NaN : times[(int)(part * (times.Length - 1))];

// One life of the server, warm.
async Task<Memory> Watch()
{
    var before = load.Answered;
    await Task.Delay(TimeSpan.FromSeconds(seconds * warming));
    while (load.Answered - before < warmTexts && !server.HasExited)
        await Task.Delay(100);
    var (clock, samples) = (Stopwatch.StartNew(), new List<(double Time, double Megabytes)>());
    while (clock.Elapsed.TotalSeconds < seconds * watched)
    {
        samples.Add((clock.Elapsed.TotalSeconds, Resident(server)));
        await Task.Delay(TimeSpan.FromSeconds(0.5));
    }
    return Memory.Of(samples);
}

async Task<Process> Start()
{
    var process = Process.Start(
        new ProcessStartInfo("dotnet", [assembly, "serve", "--port", $"{port}", "--queue", queue])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }
    )!;
    process.ErrorDataReceived += (_, _) => { };
    process.BeginErrorReadLine();
    if (await process.StandardOutput.ReadLineAsync() is null)
        throw new InvalidOperationException("the server did not start");
    return process;
}

static int FreePort()
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    return ((IPEndPoint)listener.LocalEndpoint).Port;
}

static double Resident(Process process)
{
    process.Refresh();
    return process.WorkingSet64 / 1e6;
}

/// <summary>Megabytes that a process held, and what the line of least squares rises in the time, as a share of the mean.</summary>
internal sealed record Memory(double Mean, double Lowest, double Highest, double Trend, double Seconds)
{
    public static Memory Of(List<(double Time, double Megabytes)> samples)
    {
        var (time, mean) = (samples.Average(sample => sample.Time), samples.Average(sample => sample.Megabytes));
        var slope =
            samples.Sum(sample => (sample.Time - time) * (sample.Megabytes - mean))
            / samples.Sum(sample => (sample.Time - time) * (sample.Time - time));
        var seconds = samples[^1].Time - samples[0].Time;
        return new(mean, samples.Min(sample => sample.Megabytes), samples.Max(sample => sample.Megabytes), slope * seconds / mean, seconds);
    }
}

/// <summary>What clients send and what comes back.</summary>
internal sealed class Load(HttpClient client)
{
    public volatile bool Gap,
        Over;
    private int _sent,
        _answered,
        _refused,
        _inGap,
        _failed;

    public int Sent => _sent;
    public int Answered => _answered;
    public int Refused => _refused;
    public int InGap => _inGap;
    public int Failed => _failed;
    public ConcurrentBag<double> Times { get; } = [];
    public ConcurrentDictionary<string, int> Problems { get; } = new();

    /// <summary>One client: asks, waits for the answer, asks again.</summary>
    public async Task Ask(int number)
    {
        for (var i = 0; !Over; i++)
        {
            var id = $"{number}-{i}";
            using var body = new StringContent(
                $$"""{"inputs":[{"id":"{{id}}","prompt":"Is {{id}} the number of a house in a small town?"}],"policies":["HATE"]}""",
                Encoding.UTF8,
                "application/json"
            );
            Interlocked.Increment(ref _sent);
            var (begun, inGap) = (Stopwatch.GetTimestamp(), Gap);
            try
            {
                using var answer = await client.PostAsync("/v1/shield", body);
                var text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Interlocked.Increment(ref _refused);
                    await Task.Delay(
                        answer.Headers.RetryAfter!.Delta!.Value is var wait && wait > TimeSpan.FromSeconds(5)
                            ? TimeSpan.FromSeconds(5)
                            : wait
                    );
                }
                else if (
                    answer.IsSuccessStatusCode
                    && JsonDocument.Parse(text).RootElement.GetProperty("results")[0].GetProperty("id").GetString() == id
                )
                {
                    Interlocked.Increment(ref _answered);
                    Times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
                }
                else
                {
                    Fail($"status {(int)answer.StatusCode}");
                }
            }
            catch (HttpRequestException) when (inGap || Gap)
            {
                Interlocked.Increment(ref _inGap);
                await Task.Delay(100);
            }
            catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or JsonException)
            {
                Fail(problem.GetType().Name);
            }
        }
    }

    private void Fail(string problem)
    {
        Interlocked.Increment(ref _failed);
        Problems.AddOrUpdate(problem, 1, (_, count) => count + 1);
    }
}
