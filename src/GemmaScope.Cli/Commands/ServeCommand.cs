using System.Collections;
using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using GemmaScope.Dictionaries;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Server.Shield;
using GemmaScope.Store;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Cli.Commands;

/// <summary>Serves a model: ShieldGemma as a service, and the microscope.</summary>
internal sealed class ServeCommand : GemmaScopeCommand
{
    private const string TokenVariable = "GEMMASCOPE_TOKEN";
    private const double MostSeconds = 3600;

    private readonly Option<string> _model;
    private readonly Option<string[]> _dictionaries;
    private readonly Option<string?> _features,
        _token;
    private readonly Option<IPAddress> _bind;
    private readonly Option<int> _port,
        _queue;
    private readonly Option<double> _timeLimit;
    private readonly Option<bool> _logText;
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
        _model = Add(CommonOptions.Model(MicroscopeOptions.DemoChat));
        _dictionaries = Add(
            new Option<string[]>("--sae", "-s") { Description = "A dictionary of its features; may be repeated.", HelpName = "SAE" }
        );
        _shield = new ShieldArguments(this, service: true);
        _features = Add(
            new Option<string?>("--db")
            {
                Description = "A database of feature dashboards: a file (SQLite), or postgres://user:password@host/database.",
                HelpName = "DB",
            }
        );
        _port = Add(
            new Option<int>("--port")
            {
                Description = "The port; 0 for one that is free.",
                HelpName = "N",
                DefaultValueFactory = _ => new ServerOptions().Port,
            }
        );
        _bind = Add(
            new Option<IPAddress>("--bind")
            {
                Description = "The address to listen on. One that other machines reach needs a token.",
                HelpName = "ADDRESS",
                DefaultValueFactory = _ => IPAddress.Loopback,
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
        _queue = Add(
            new Option<int>("--queue")
            {
                Description = "Requests that wait for the model at most; more are answered 429.",
                HelpName = "N",
                DefaultValueFactory = _ => new ServerOptions().QueueLength,
            }
        );
        _timeLimit = Add(
            new Option<double>("--time-limit")
            {
                Description = "Seconds a request may wait and run together.",
                HelpName = "S",
                DefaultValueFactory = _ => new ServerOptions().TimeLimit.TotalSeconds,
            }
        );
        _logText = Add(new Option<bool>("--log-text") { Description = "Write the texts that are judged, and the verdicts, to the log." });
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new ServerOptions
        {
            Bind = arguments.GetValue(_bind)!,
            Port = arguments.GetValue(_port),
            Token =
                arguments.GetValue(_token) ?? (Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } secret ? secret : null),
            QueueLength = arguments.GetValue(_queue),
            TimeLimit = Limit(arguments.GetValue(_timeLimit)),
            LogText = arguments.GetValue(_logText),
            Log = session.Terminal.Error,
            Telemetry = Telemetry(),
        };
        // Found out before a model of many gigabytes is loaded.
        options.Check();
        var (policies, asked) = (_shield.Policies(arguments), _shield.Options(arguments) with { Hardened = true });
        var opened = new MicroscopeOptions
        {
            Model = arguments.GetValue(_model)!,
            Use = DictionaryUse.Named,
            Dictionaries = arguments.GetValue(_dictionaries) ?? [],
            Load = new() { Arithmetic = GlobalOptions.ArithmeticOf(arguments) },
        };
        using var microscope = MicroscopeArguments.Open(opened, session);
        var (name, model, dictionaries) = (opened.Model, microscope.Model, microscope.Dictionaries);
        IFeatureDatabase? features = null;
        try
        {
            using var shield = new ShieldGemma(model);
            if (arguments.GetValue(_features) is { } database)
                features = FeatureDatabase.Open(database);
            var served = new ServerModel(name, model, dictionaries, features, ShieldArguments.NoteOn(name));
            Serve(
                    options,
                    served,
                    app =>
                    {
                        ShieldRoutes.Map(app, shield, policies, asked);
                        MicroscopeRoutes.Map(app);
                        if (dictionaries.Count == 0 && features is null)
                            app.MapGet("/", () => Results.Redirect("/shield")).ExcludeFromDescription();
                    },
                    session
                )
                .GetAwaiter()
                .GetResult();
        }
        finally
        {
            features?.Dispose();
        }
        return Application.Success;
    }

    /// <summary>Until Ctrl-C, or until the system asks the process to end.</summary>
    private static async Task Serve(ServerOptions options, ServerModel model, Action<WebApplication> map, Session session)
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
        await using var host = await ServerHost.Start(options, model, map);
        if (model.Note is { } note)
            session.Terminal.Error.WriteLine($"note: {note}");
        session.Terminal.Out.WriteLine($"serving {model.Name} at {host.Address}");
        session.Terminal.Out.Flush();
        await Task.Delay(Timeout.Infinite, ending.Token)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        session.Terminal.Error.WriteLine("stopping: requests in flight are finished");
    }

    /// <summary>The variables of OpenTelemetry, if they name a collector; without one nothing is sent anywhere.</summary>
    private static Dictionary<string, string>? Telemetry()
    {
        var variables = Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Where(entry => ((string)entry.Key).StartsWith("OTEL_", StringComparison.Ordinal))
            .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? ""))
            .Where(entry => entry.Value.Length > 0)
            .ToDictionary();
        var disabled =
            variables.TryGetValue("OTEL_SDK_DISABLED", out var value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);
        return
            !disabled
            && variables.Keys.Any(name =>
                name.StartsWith("OTEL_EXPORTER_OTLP_", StringComparison.Ordinal) && name.EndsWith("ENDPOINT", StringComparison.Ordinal)
            )
            ? variables
            : null;
    }

    private static TimeSpan Limit(double seconds) =>
        seconds is > 0 and <= MostSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new ArgumentProblemException($"must be more than 0 and {MostSeconds} at most", "--time-limit");

    private static IPAddress Refuse(System.CommandLine.Parsing.ArgumentResult result, string value)
    {
        result.AddError($"--bind: '{value}' is no address, such as 127.0.0.1 or 0.0.0.0");
        return IPAddress.Loopback;
    }
}
