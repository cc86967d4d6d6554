using System.CommandLine;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using GemmaScope.Circuits;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Serves a model: ShieldGemma as a service, and the microscope.</summary>
internal sealed class ServeCommand : GemmaScopeCommand
{
    private const string TokenVariable = "GEMMASCOPE_TOKEN";

    /// <summary>What the end may take beyond the time of the requests in flight.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private static readonly ServerOptions Defaults = new();

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _features,
        _circuits,
        _token;
    private readonly Option<IPAddress> _bind;
    private readonly Option<int> _port,
        _queue;
    private readonly Option<double> _timeLimit;
    private readonly Option<bool> _logText,
        _noBrowser;
    private readonly Option<string[]> _allowHost,
        _cors,
        _lens,
        _studies,
        _directions;
    private readonly Option<IPNetwork[]> _behindProxy;
    private readonly Option<string> _pathBase;
    private readonly ShieldArguments _shield;

    public ServeCommand()
        : base(
            "serve",
            "Serve a model: ShieldGemma as a service, and the microscope.",
            "gemmascope serve",
            "gemmascope serve --model demo-pt --sae demo-sae --db features.db",
            "gemmascope serve --model google/shieldgemma-2b --port 8080",
            "gemmascope serve --bind 0.0.0.0 --token 0123456789abcdef0123456789abcdef"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        _shield = new ShieldArguments(this, service: true);
        _features = Add(
            new Option<string?>("--db")
            {
                Description = "A database of feature dashboards: a file (SQLite), or postgres://user:password@host/database.",
                HelpName = "DB",
            }
        );
        _circuits = Add(
            new Option<string?>("--circuits")
            {
                Description =
                    "A folder of attribution graphs to show, and to keep those in that are made on the page: JSON files as circuit or other programs write them.",
                HelpName = "FOLDER",
            }
        );
        _lens = Add(
            new Option<string[]>("--lens")
            {
                Description =
                    "A Jacobian or tuned lens of the model (.safetensors, .pt), to read texts through on the page; may be given several times. Default: lens.safetensors of the model's folder.",
                HelpName = "FILE",
            }
        );
        _studies = Add(
            new Option<string[]>("--studies")
            {
                Description = "A folder of studies to show: a run folder, or one that holds some; may be given several times.",
                HelpName = "FOLDER",
            }
        );
        _directions = Add(
            new Option<string[]>("--direction")
            {
                Description =
                    "A direction that chats are watched along and steered with: a .pt, .safetensors or .npy file, and behind a colon its site where no metadata say it; may be given several times.",
                HelpName = "FILE[:SITE]",
            }
        );
        _port = Add(CommonOptions.Number("--port", "N", "The port; 0 for one that is free.", Defaults.Port));
        _bind = Add(
            new Option<IPAddress>("--bind")
            {
                Description = "The address to listen on. One that other machines reach needs a token.",
                HelpName = "ADDRESS",
                DefaultValueFactory = _ => Defaults.Bind,
                CustomParser = result =>
                    IPAddress.TryParse(result.Tokens[0].Value, out var address) ? address : Refuse(result, result.Tokens[0].Value),
            }
        );
        _token = Add(
            new Option<string?>("--token")
            {
                Description =
                    $"The secret that requests have to show. Better in the environment variable {TokenVariable}, where other users do not see it.",
                HelpName = "SECRET",
            }
        );
        _allowHost = Add(
            new Option<string[]>("--allow-host")
            {
                Description =
                    "A name it may be asked by beside localhost, such as guard.example.com or *.example.com; may be given several times. Without a token no other name is answered.",
                HelpName = "NAME",
            }
        );
        _behindProxy = Add(
            new Option<IPNetwork[]>("--behind-proxy")
            {
                Description =
                    "The address or network of a proxy whose X-Forwarded-For, -Proto, -Host and -Prefix are believed; may be given several times.",
                HelpName = "ADDRESS",
                CustomParser = result =>
                    [.. result.Tokens.Select(token => Network(token.Value) is { } network ? network : Unknown(result, token.Value))],
            }
        );
        _pathBase = Add(
            new Option<string>("--path-base")
            {
                Description = "The path under which a proxy shows the server, such as /guard.",
                HelpName = "PATH",
                DefaultValueFactory = _ => "",
            }
        );
        _cors = Add(
            new Option<string[]>("--cors")
            {
                Description =
                    "An origin whose pages may ask from a browser, such as https://app.example.com, or * for any; may be given several times.",
                HelpName = "ORIGIN",
            }
        );
        _queue = Add(
            CommonOptions.Number("--queue", "N", "Requests that wait for the model at most; more are answered 429.", Defaults.QueueLength)
        );
        _timeLimit = Add(
            new Option<double>("--time-limit")
            {
                Description = "Seconds a request may wait and run together.",
                HelpName = "S",
                DefaultValueFactory = _ => Defaults.TimeLimit.TotalSeconds,
            }
        );
        _noBrowser = Add(new Option<bool>("--no-browser") { Description = "Open no browser, where one would be opened: on a desktop." });
        _logText = Add(new Option<bool>("--log-text") { Description = "Write the texts that are judged, and the verdicts, to the log." });
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var demo = !_microscope.IsNamed(arguments) && arguments.GetValue(_features) is null;
        var options = Defaults with
        {
            Bind = arguments.GetValue(_bind)!,
            Port = arguments.GetValue(_port),
            Token =
                arguments.GetValue(_token) ?? (Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } secret ? secret : null),
            AllowedHosts = arguments.GetValue(_allowHost) ?? [],
            TrustedProxies = arguments.GetValue(_behindProxy) ?? [],
            PathBase = arguments.GetValue(_pathBase)!.TrimEnd('/'),
            AllowedOrigins = arguments.GetValue(_cors) ?? [],
            QueueLength = arguments.GetValue(_queue),
            TimeLimit = Seconds(arguments.GetValue(_timeLimit)),
            LogText = arguments.GetValue(_logText),
            Circuits = arguments.GetValue(_circuits) ?? (demo || _microscope.NamesDictionary(arguments) ? GraphFolders.OfUser() : null),
            MoreCircuits = demo && GraphFolders.OfDemo() is { } graphs ? [graphs] : [],
            Studies = arguments.GetValue(_studies) ?? [],
            Directions = [.. (arguments.GetValue(_directions) ?? []).Select(ServedDirection.Read)],
            Log = session.Terminal.Error,
            Telemetry = ServerOptions.TelemetryOfProcess(),
            Guard = new() { Policies = _shield.Policies(arguments), Asked = _shield.Options(arguments) with { Hardened = true } },
        };
        // Found out before a model of many gigabytes is loaded.
        options.Check();
        using var microscope = demo ? MicroscopeArguments.Open(Demo(arguments), session) : _microscope.Open(arguments, session);
        using var features =
            arguments.GetValue(_features) is { } database ? FeatureDatabase.Open(database)
            : demo ? KnownFeatures.OpenDemo()
            : null;
        using var lenses = OpenedLenses.Of(arguments.GetValue(_lens) ?? [], microscope.Model);
        foreach (var damaged in features?.DamagedDictionaries() ?? [])
            session.Terminal.Error.WriteLine($"note: {damaged} is damaged in the database and left out; build or import it again");
        if (microscope.Model.Storage != WeightStorage.Mapped)
            session.Terminal.Error.WriteLine($"weights: {WeightPlace.Of(microscope.Model, Compute.Describe().AvailableMemoryBytes)}");
        var how = new Start(
            MovesPort: arguments.GetResult(_port) is not { Implicit: false },
            OpensBrowser: !arguments.GetValue(_noBrowser) && session.Terminal.OutputIsTerminal && IPAddress.IsLoopback(options.Bind)
        );
        ServeAsync(new ServerModel(microscope, features) { Lenses = lenses.All }, options, how, session).GetAwaiter().GetResult();
        return Application.Success;
    }

    /// <summary>How it starts.</summary>
    /// <param name="MovesPort">Whether another port may be taken where the standard one is busy.</param>
    /// <param name="OpensBrowser">Whether the page is opened where there is a browser.</param>
    private sealed record Start(bool MovesPort, bool OpensBrowser);

    /// <summary>Nothing is named: the demo model with all dictionaries that come with it, and what is known of their features.</summary>
    private MicroscopeOptions Demo(ParseResult arguments) =>
        _microscope.Read(arguments) with
        {
            Model = MicroscopeOptions.DemoModel,
            Dictionaries = [MicroscopeOptions.DemoDictionary, MicroscopeOptions.DemoScope],
            Use = DictionaryUse.Many,
        };

    /// <summary>Until Ctrl-C, or until the system asks the process to end.</summary>
    private static async Task ServeAsync(ServerModel model, ServerOptions options, Start how, Session session)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(session.Cancellation);
        using var terminate = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM,
            signal =>
            {
                signal.Cancel = true;
                ending.Cancel();
            }
        );
        // Whatever is stuck, the process ends in the time that is promised.
        using var ended = new ManualResetEventSlim();
        ending.Token.Register(() =>
            new Thread(() =>
            {
                if (ended.Wait(options.ShutdownLimit + Grace))
                    return;
                session.Terminal.Error.WriteLine("stopping: what is still running is left");
                Environment.Exit(Application.Failure);
            })
            {
                IsBackground = true,
            }.Start()
        );
        await ServeAsync(model, options, how, session, ending.Token);
        ended.Set();
    }

    private static async Task ServeAsync(ServerModel model, ServerOptions options, Start how, Session session, CancellationToken ending)
    {
        if (how.MovesPort && options.Port != 0 && IsTaken(options.Port))
        {
            session.Terminal.Error.WriteLine($"note: port {options.Port} is taken by another program; a free one is used");
            options = options with { Port = 0 };
        }
        await using var host = await ServerHost.StartAsync(model, options, ending);
        if (model.Note is { } note)
            session.Terminal.Error.WriteLine($"note: {note}");
        session.Terminal.Out.WriteLine($"serving {model.Microscope.ModelName} at {host.Address}");
        session.Terminal.Out.Flush();
        if (how.OpensBrowser)
            Browser.Open(host.Address);
        await host.WaitAsync(ending);
        session.Terminal.Error.WriteLine("stopping: requests in flight are finished");
    }

    private static bool IsTaken(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port);

    /// <summary>Seconds as a time; what no time can be becomes one that the server refuses.</summary>
    private static TimeSpan Seconds(double seconds) =>
        Math.Abs(seconds) <= TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;

    /// <summary>An address alone is the network of it alone.</summary>
    private static IPNetwork? Network(string text) =>
        IPAddress.TryParse(text, out var address) ? new IPNetwork(address, 8 * address.GetAddressBytes().Length)
        : IPNetwork.TryParse(text, out var network) ? network
        : null;

    private static IPNetwork Unknown(System.CommandLine.Parsing.ArgumentResult result, string value)
    {
        result.AddError($"--behind-proxy: '{value}' is no address or network, such as 127.0.0.1 or 10.0.0.0/8");
        return default;
    }

    private static IPAddress Refuse(System.CommandLine.Parsing.ArgumentResult result, string value)
    {
        result.AddError($"--bind: '{value}' is no address, such as 127.0.0.1 or 0.0.0.0");
        return IPAddress.Loopback;
    }
}
