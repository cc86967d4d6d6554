using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GemmaScope.Models;

namespace GemmaScope.Bench;

/// <summary>
/// One generation in a process of its own, where nothing else has touched the memory or warmed the code. The process says
/// when its first token is there, and at the end how much memory it held at most.
/// </summary>
public static class OwnProcess
{
    /// <summary>What stands in the place of a model folder for steps of training instead of a generation.</summary>
    public const string Training = "training";

    /// <summary>The same for clients of a server; what they ask for is a line of JSON on the standard input.</summary>
    public const string Load = "load";

    /// <summary>Clients of a server; the line is what came of it, in JSON.</summary>
    /// <param name="input">Where the line comes from that says what to ask for.</param>
    /// <param name="output">Where the line goes.</param>
    /// <param name="cancellationToken">Ends the clients.</param>
    public static void Ask(TextReader input, TextWriter output, CancellationToken cancellationToken)
    {
        var load =
            JsonSerializer.Deserialize<PageLoad>(input.ReadLine() ?? "null")
            ?? throw new ArgumentProblemException("there is nothing to ask for on the standard input", "load");
        output.WriteLine(JsonSerializer.Serialize(load.Run(cancellationToken).GetAwaiter().GetResult()));
    }

    /// <summary>Steps of training instead; the two lines are the steps and the peak in bytes.</summary>
    /// <param name="quick">A tiny dictionary.</param>
    /// <param name="output">Where the lines go.</param>
    public static void Train(bool quick, TextWriter output) => TrainBenchmark.Once(quick, output);

    /// <summary>What the started process does; it prints two lines: the first token, the peak in bytes.</summary>
    /// <param name="folder">Model folder.</param>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="newTokens">Tokens to generate.</param>
    /// <param name="output">Where the lines go.</param>
    public static void Run(string folder, int promptTokens, int newTokens, TextWriter output)
    {
        using var model = GemmaModel.Load(folder);
        var options = new GenerationOptions
        {
            MaxNewTokens = newTokens,
            Temperature = 0,
            StopTokens = [],
        };
        var first = true;
        foreach (var token in model.Generate(BenchSetup.Tokens(model.Config, promptTokens), options))
        {
            if (first)
                Say(token);
            first = false;
        }
        using var self = Process.GetCurrentProcess();
        Say(self.PeakWorkingSet64);

        void Say(long number)
        {
            output.WriteLine(number.ToString(CultureInfo.InvariantCulture));
            output.Flush();
        }
    }

    /// <summary>Starts such a process and waits for it.</summary>
    /// <param name="command">File to start and its arguments.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <returns>Seconds from before the start to the first token; bytes held at most.</returns>
    internal static (double FirstToken, long PeakBytes) Start(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true })!;
        using var registration = cancellationToken.Register(() => process.Kill());
        var first = process.StandardOutput.ReadLine();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var last = process.StandardOutput.ReadLine();
        process.WaitForExit();
        cancellationToken.ThrowIfCancellationRequested();
        if (
            process.ExitCode != 0
            || !long.TryParse(first, CultureInfo.InvariantCulture, out _)
            || !long.TryParse(last, CultureInfo.InvariantCulture, out var peak)
        )
            throw new GemmaScopeException(
                $"the process ended with code {process.ExitCode} and without a result; its own message stands above",
                string.Join(' ', command)
            );
        return (seconds, peak);
    }
}
