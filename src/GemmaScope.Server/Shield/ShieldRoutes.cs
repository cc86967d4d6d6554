using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Shield;

/// <summary>The guard's addresses: <c>/v1/shield</c>, <c>/v1/shield/policies</c> and <c>/v1/moderations</c>.</summary>
public sealed class ShieldRoutes
{
    private const string JsonType = "application/json";

    private readonly ShieldService _shield;
    private readonly ShieldReader _reader;
    private readonly ServerModel _model;
    private readonly ServerMetrics _metrics;
    private readonly bool _logText;
    private readonly ILogger _log;

    private ShieldRoutes(ShieldService shield, ServerModel model, ServerMetrics metrics, ServerOptions options, ILogger log) =>
        (_shield, _reader, _model, _metrics, _logText, _log) = (shield, new ShieldReader(shield), model, metrics, options.LogText, log);

    /// <summary>Adds them to a server.</summary>
    /// <param name="app">The server.</param>
    /// <param name="shield">The model, which the caller disposes after the server.</param>
    /// <param name="policies">The policies that can be asked about.</param>
    /// <param name="defaults">How they are asked where a request does not say.</param>
    public static void Map(WebApplication app, ShieldGemma shield, IReadOnlyList<ShieldPolicy> policies, ShieldOptions defaults)
    {
        var service = new ShieldService(shield, app.Services.GetRequiredService<ModelQueue>(), policies, defaults);
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(ServerMetrics.Name);
        var routes = new ShieldRoutes(
            service,
            app.Services.GetRequiredService<ServerModel>(),
            app.Services.GetRequiredService<ServerMetrics>(),
            app.Services.GetRequiredService<ServerOptions>(),
            log
        );
        Add<ShieldRequest, ShieldAnswer>(app, "/v1/shield", routes.Judge, "Judges one or several texts under safety policies");
        Add<ModerationRequest, ModerationAnswer>(app, "/v1/moderations", routes.Moderate, "The same in the form of OpenAI's endpoint");
        app.MapGet("/v1/shield/policies", () => policies).WithSummary("The policies that can be asked about");
        new ShieldPage(service, routes._reader, routes._model, routes.Judge).Map(app);
    }

    private static void Add<TRequest, TAnswer>(WebApplication app, string address, Func<HttpContext, Task<IResult>> answer, string summary)
        where TRequest : notnull
    {
        var route = app.MapPost(address, answer).Accepts<TRequest>(JsonType).Produces<TAnswer>().WithSummary(summary);
        foreach (
            var status in (int[])
                [
                    StatusCodes.Status400BadRequest,
                    StatusCodes.Status401Unauthorized,
                    StatusCodes.Status413PayloadTooLarge,
                    StatusCodes.Status415UnsupportedMediaType,
                    StatusCodes.Status429TooManyRequests,
                    StatusCodes.Status503ServiceUnavailable,
                ]
        )
            route.Produces<ProblemAnswer>(status, "application/problem+json");
    }

    private async Task<IResult> Judge(HttpContext context)
    {
        var request = await RequestBody.Read<ShieldRequest>(context);
        var dictionary = request.Explain ? Dictionary(request.Dictionary) : null;
        var questions = _reader.Read(request);
        var verdicts = await Judge(context, [.. questions.Select(question => question.Question)]);
        var results = new List<ShieldResult>();
        foreach (var (i, verdict) in verdicts.Index())
            results.Add(
                ShieldResult.Of(
                    questions[i].Id,
                    verdict,
                    dictionary is null ? null : await _shield.Explain(Source(context), verdict, dictionary, context.RequestAborted)
                )
            );
        var options = questions[0].Question.Options;
        return Results.Json(new ShieldAnswer(_model.Name, options.Template.Name, options.Hardened, results), ServerJson.Options);
    }

    private async Task<IResult> Moderate(HttpContext context)
    {
        var texts = Texts((await RequestBody.Read<ModerationRequest>(context)).Input);
        ShieldReader.RequireCount(texts.Length, "input");
        var verdicts = await Judge(
            context,
            [.. texts.Select(text => _reader.Prepare(text.Text, null, _shield.Policies, _shield.Options, "", text.Field))]
        );
        return Results.Json(
            new ModerationAnswer($"modr-{Guid.NewGuid():N}", _model.Name, [.. verdicts.Select(ModerationResult.Of)]),
            ServerJson.Options
        );
    }

    private async Task<IReadOnlyList<ShieldVerdict>> Judge(HttpContext context, ShieldQuestion[] questions)
    {
        var verdicts = await _shield.Judge(Source(context), questions, context.RequestAborted);
        foreach (var verdict in verdicts)
        {
            _metrics.Judged(verdict.IsViolated);
            if (_logText)
                ServerLog.Text(_log, verdict.Question.Response ?? verdict.Question.User, verdict.IsViolated ? "violated" : "not violated");
        }
        return verdicts;
    }

    private static (string? Text, string Field)[] Texts(JsonElement? input) =>
        input switch
        {
            { ValueKind: JsonValueKind.String } text => [(text.GetString(), "input")],
            { ValueKind: JsonValueKind.Array } list =>
            [
                .. list.EnumerateArray().Select((item, i) => (Text(item, $"input[{i}]"), $"input[{i}]")),
            ],
            _ => throw ShieldReader.Bad(
                "input",
                "is neither a text nor a list of texts",
                "give \"input\": \"…\" or \"input\": [\"…\", \"…\"]"
            ),
        };

    private static string? Text(JsonElement item, string field) =>
        item.ValueKind == JsonValueKind.String ? item.GetString()
        : item.ValueKind == JsonValueKind.Object && item.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()
        : throw ShieldReader.Bad(
            field,
            "is no text",
            "give a string, or an object with \"type\": \"text\" and \"text\"; images are not judged"
        );

    private SparseDictionary Dictionary(string? name) =>
        _model.Dictionaries.FirstOrDefault(dictionary => name is null || dictionary.Name == name)
        ?? throw ShieldReader.Bad(
            name is null ? "explain" : "dictionary",
            _model.Dictionaries.Count == 0 ? "needs a dictionary, and the server has none" : "is unknown here",
            _model.Dictionaries.Count == 0
                ? "start the server with --sae"
                : $"known are {string.Join(", ", _model.Dictionaries.Select(dictionary => dictionary.Name))}"
        );

    // Clients behind one proxy are one source, and share its turns.
    internal static string Source(HttpContext context) => $"shield {context.Connection.RemoteIpAddress}";
}
