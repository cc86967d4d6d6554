using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using GemmaScope.Cli;
using GemmaScope.Cli.Output;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Bench;

/// <summary>Measures speed and memory against the limits of this machine.</summary>
internal sealed class MeasureCommand : GemmaScopeCommand
{
    private readonly Option<string[]> _only,
        _models;
    private readonly Option<string> _folder;
    private readonly Option<int> _rounds;
    private readonly Option<bool> _quick,
        _full,
        _profile,
        _json;
    private readonly Option<string?> _process;
    private readonly Option<int> _prompt,
        _new;

    public MeasureCommand()
        : base(
            "bench",
            "Measure speed and memory against the limits of this machine.",
            "gemmascope bench",
            "gemmascope bench --only decode --rounds 9",
            "gemmascope bench --only pages,serve --full",
            "gemmascope bench --profile",
            "gemmascope bench --json --dir /data/bench"
        )
    {
        var defaults = new BenchOptions();
        _only = Add(Many("--only", $"Run only these: {string.Join(", ", Benchmarks.Names.Select(benchmark => benchmark.Name))}.", "NAME"));
        _models = Add(
            Many(
                "--models",
                $"Further models for tokens per second: {string.Join(", ", ModelShape.All.Select(shape => shape.Name))}.",
                "NAME"
            )
        );
        _folder = Add(
            new Option<string>("--dir")
            {
                Description = "Folder for models with random weights (5.2 GB for Gemma 2 2B, kept for the next run).",
                HelpName = "FOLDER",
                DefaultValueFactory = _ => defaults.Folder,
            }
        );
        _rounds = Add(
            new Option<int>("--rounds")
            {
                Description = "How often each thing is timed; the median counts.",
                HelpName = "N",
                DefaultValueFactory = _ => defaults.Rounds,
            }
        );
        _quick = Add(
            new Option<bool>("--quick") { Description = "A tiny model and one round: tries the command, the numbers mean nothing." }
        );
        _full = Add(
            new Option<bool>("--full")
            {
                Description =
                    "At full size: pages of 26 dictionaries of 16,384 features (2 GB of disk), 200 clients for a minute, graphs through all layers (9 GB).",
            }
        );
        _profile = Add(new Option<bool>("--profile") { Description = "Show where the time of a prefill and of a decoded token goes." });
        _json = Add(CommonOptions.Json());
        // How the benchmark starts itself to measure a fresh process.
        _process = Add(new Option<string?>("--process") { Hidden = true });
        _prompt = Add(new Option<int>("--prompt") { Hidden = true });
        _new = Add(new Option<int>("--new") { Hidden = true });
    }

    /// <summary>The program: this command alone, named by nothing.</summary>
    public static int Run(string[] arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var command = new MeasureCommand();
        return Application.Run([command.Name, .. arguments], terminal, [command], cancellationToken);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        if (arguments.GetValue(_process) is { } model)
        {
            if (model == OwnProcess.Load)
                OwnProcess.Ask(Console.In, session.Terminal.Out, session.Cancellation);
            else if (model == OwnProcess.Training)
                OwnProcess.Train(quick: arguments.GetValue(_quick), session.Terminal.Out);
            else
                OwnProcess.Run(model, arguments.GetValue(_prompt), arguments.GetValue(_new), session.Terminal.Out);
            return Application.Success;
        }
        var (terminal, options, json) = (session.Terminal, Read(arguments), arguments.GetValue(_json));
        var progress = new Lines(terminal.Error);
        if (arguments.GetValue(_profile))
        {
            var profiles = Profile.Measure(options, progress, session.Cancellation);
            if (json)
                WriteProfiles(terminal, [.. profiles]);
            else
                PrintProfiles(terminal, profiles);
            return Application.Success;
        }
        Figure[] figures = [.. Benchmarks.Run(options, progress, session.Cancellation)];
        if (json)
            WriteFigures(terminal, figures);
        else
            Print(terminal, figures);
        return Application.Success;
    }

    private static Option<string[]> Many(string name, string description, string value) =>
        new(name)
        {
            Description = description,
            HelpName = value,
            AllowMultipleArgumentsPerToken = true,
        };

    private BenchOptions Read(ParseResult arguments)
    {
        var rounds = arguments.GetValue(_rounds);
        if (rounds < 1)
            throw new ArgumentProblemException($"is {rounds}; it must be 1 or more", "rounds");
        var options = new BenchOptions
        {
            Folder = arguments.GetValue(_folder)!,
            Only = Names(arguments.GetValue(_only)),
            Rounds = rounds,
            Quick = arguments.GetValue(_quick),
            Full = arguments.GetValue(_full),
            Command = [.. OwnCommand(), .. Passed("--kernels"), .. Passed("--threads"), "--process"],
        };
        return Names(arguments.GetValue(_models)) is { Length: > 0 } models ? options with { Models = models } : options;

        string[] Passed(string option) =>
            arguments.GetResult(option) is OptionResult { Tokens.Count: > 0 } given ? [option, given.Tokens[0].Value] : [];
    }

    private static string[] Names(string[]? values) =>
        [.. (values ?? []).SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>This command's own file: its starter where there is one, else the assembly by way of dotnet.</summary>
    private static string[] OwnCommand()
    {
        var assembly = typeof(MeasureCommand).Assembly.Location;
        var starter = OperatingSystem.IsWindows() ? Path.ChangeExtension(assembly, ".exe") : Path.ChangeExtension(assembly, null);
        return File.Exists(starter) ? [starter] : [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", assembly];
    }

    private static void Print(Terminal terminal, Figure[] figures)
    {
        var table = new DataTable(
            "measured",
            new("value", true),
            new("quartiles", true),
            "unit",
            new("limit", true),
            "of",
            new("ratio", true),
            new("target", true),
            "reached"
        );
        foreach (var figure in figures)
            table.Add(
                figure.Name,
                Number(figure.Value),
                figure is { Low: { } low, High: { } high } ? $"{Number(low)} … {Number(high)}" : "",
                figure.Unit,
                Number(figure.Limit),
                figure.LimitName ?? "",
                $"{figure.Ratio:0.000}",
                figure.Target is { } target ? $"{(figure.AtMost ? "<=" : ">=")} {target:0.00}" : "",
                figure.Reached is { } reached ? (reached ? "yes" : "no") : ""
            );
        table.Write(terminal);
        PrintMachine(terminal);
    }

    private static void PrintProfiles(Terminal terminal, IEnumerable<Profile> profiles)
    {
        foreach (var profile in profiles)
            Print(terminal, profile);
        PrintMachine(terminal);
    }

    private static void Print(Terminal terminal, Profile profile)
    {
        var table = new DataTable("step", new("ms", true), new("share", true), new("GFLOP/s", true));
        foreach (var line in profile.Lines)
            table.Add(line.Step, $"{line.Seconds * 1e3:0.00}", $"{line.Share:0.0%}", $"{line.GigaFlops:0}");
        terminal.Out.WriteLine($"{profile.Run}: {profile.Undisturbed * 1e3:0.0} ms, with clocks {profile.Seconds * 1e3:0.0} ms");
        table.Write(terminal);
        terminal.Out.WriteLine();
    }

    private static void PrintMachine(Terminal terminal)
    {
        var compute = Compute.Describe();
        terminal.Out.WriteLine(
            $"{Machine.Processor}; {string.Join(' ', compute.InstructionSets)}, {compute.VectorBits}-bit vectors; {compute.Threads} "
                + $"threads; {compute.Kernels}; {RuntimeInformation.FrameworkDescription}"
        );
    }

    private static string Number(double? value) => value is { } number ? (Math.Abs(number) < 10 ? $"{number:0.00}" : $"{number:0.0}") : "";

    private static void WriteFigures(Terminal terminal, Figure[] figures) =>
        Write(
            terminal,
            "figures",
            figures.Select(one => new
            {
                one.Name,
                one.Value,
                one.Unit,
                one.Low,
                one.High,
                one.LimitName,
                one.Limit,
                one.Ratio,
                one.Target,
                one.AtMost,
                one.Reached,
            })
        );

    private static void WriteProfiles(Terminal terminal, Profile[] profiles) =>
        Write(
            terminal,
            "profiles",
            profiles.Select(one => new
            {
                one.Run,
                Seconds = one.Undisturbed,
                SecondsWithClocks = one.Seconds,
                Steps = one.Lines.Select(line => new
                {
                    line.Step,
                    line.Seconds,
                    line.Share,
                    Gflops = line.GigaFlops,
                }),
            })
        );

    private static void Write(Terminal terminal, string name, object measured)
    {
        var compute = Compute.Describe();
        terminal.Out.WriteLine(
            ResultJson.Text(
                new Dictionary<string, object>
                {
                    ["processor"] = Machine.Processor,
                    ["instruction_sets"] = string.Join(' ', compute.InstructionSets),
                    ["vector_bits"] = compute.VectorBits,
                    ["threads"] = compute.Threads,
                    ["kernels"] = compute.Kernels,
                    ["runtime"] = RuntimeInformation.FrameworkDescription,
                    [name] = measured,
                }
            )
        );
    }

    private sealed class Lines(TextWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}
