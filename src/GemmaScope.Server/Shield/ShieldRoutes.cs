using GemmaScope.Dictionaries;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Shield;

/// <summary>The guard's addresses: <c>/v1/shield</c>, <c>/v1/shield/policies</c> and <c>/v1/moderations</c>.</summary>
/// <param name="shield">The guard.</param>
/// <param name="name">The model's name.</param>
/// <param name="dictionaries">Dictionaries that verdicts can be explained with.</param>
/// <param name="metrics">Counts verdicts; null for none.</param>
/// <param name="log">Gets texts and verdicts; null for none.</param>
internal sealed class ShieldRoutes(
    ShieldService shield,
    string name,
    IReadOnlyList<SparseDictionary> dictionaries,
    ServerMetrics? metrics = null,
    ILogger? log = null
)
{
    /// <summary>Features that an explanation lists.</summary>
    private const int Listed = 10;

    private readonly ShieldReader _reader = new(shield);

    /// <summary>Adds them to a server, with the guard's page.</summary>
    /// <param name="app">The server.</param>
    /// <param name="shield">The model, which the caller disposes after the server.</param>
    /// <param name="policies">The policies that can be asked about.</param>
    /// <param name="defaults">How they are asked where a request does not say.</param>
    public static void Map(WebApplication app, ShieldGemma shield, IReadOnlyList<ShieldPolicy> policies, ShieldOptions defaults)
    {
        var service = new ShieldService(shield, app.Services.GetRequiredService<ModelQueue>(), policies, defaults);
        var served = app.Services.GetRequiredService<ServerModel>();
        var log = app.Services.GetRequiredService<ServerOptions>().LogText
            ? app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(ServerMetrics.Name)
            : null;
        var routes = new ShieldRoutes(service, served.Name, served.Dictionaries, app.Services.GetRequiredService<ServerMetrics>(), log);
        routes.Map(app);
        new ShieldPage(service, routes._reader, served, app.Services.GetRequiredService<TitleBook>(), routes.JudgeAsync).Map(app);
    }

    /// <summary>Adds them to routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        Add<ShieldRequest, ShieldResult>(routes, "/v1/shield", JudgeAsync, "Judges one or several texts under safety policies");
        Add<ModerationRequest, ModerationAnswer>(routes, "/v1/moderations", ModerateAsync, "The same in the form of OpenAI's endpoint");
        routes
            .MapGet("/v1/shield/policies", () => Results.Json(shield.Policies, ResultJson.Compact))
            .Produces<IReadOnlyList<ShieldPolicy>>()
            .WithSummary("The policies that can be asked about");
    }

    private static void Add<TRequest, TAnswer>(
        IEndpointRouteBuilder routes,
        string address,
        Func<HttpContext, Task<IResult>> answerAsync,
        string summary
    )
        where TRequest : notnull
    {
        var route = routes.MapPost(address, answerAsync).Accepts<TRequest>(RequestBody.JsonType).Produces<TAnswer>().WithSummary(summary);
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
            route.Produces<ProblemAnswer>(status, Problems.ProblemType);
    }

    private async Task<IResult> JudgeAsync(HttpContext context)
    {
        var request = await RequestBody.ReadAsync<ShieldRequest>(context).ConfigureAwait(false);
        var dictionary = request.Explain ? Dictionary(request.Dictionary) : null;
        var subjects = await JudgeAsync(context, _reader.Read(request)).ConfigureAwait(false);
        var results = new List<TextVerdict>();
        foreach (var one in subjects)
        {
            var why = dictionary is null
                ? null
                : await shield
                    .ExplainAsync(ClientAddress.Of(context), one.Worst, dictionary, cancellationToken: context.RequestAborted)
                    .ConfigureAwait(false);
            results.Add(
                TextVerdict.Of(one.Whole, one.Subject.Id, why is null ? null : new VerdictReasons(why, Listed)) with
                {
                    Warnings = one.Warnings,
                }
            );
        }
        var asked = subjects[0].Worst.Question;
        return Results.Json(
            new ShieldResult(name, asked.Template.Name, asked.Options.Hardened, results) { NotShieldGemma = asked.Template.IsOfChat },
            ResultJson.Compact
        );
    }

    private async Task<IResult> ModerateAsync(HttpContext context)
    {
        var request = await RequestBody.ReadAsync<ModerationRequest>(context).ConfigureAwait(false);
        var subjects = await JudgeAsync(context, _reader.Read(request)).ConfigureAwait(false);
        return Results.Json(
            new ModerationAnswer($"modr-{Guid.NewGuid():N}", name, [.. subjects.Select(one => ModerationResult.Of(one.Whole))])
            {
                NotShieldGemma = shield.Template.IsOfChat,
            },
            ResultJson.Compact
        );
    }

    private async Task<SubjectVerdict[]> JudgeAsync(HttpContext context, ShieldSubject[] subjects) =>
        ShieldSubject.Gather(
            subjects,
            await JudgeAsync(context, [.. subjects.SelectMany(subject => subject.Questions)]).ConfigureAwait(false)
        );

    private async Task<IReadOnlyList<ShieldVerdict>> JudgeAsync(HttpContext context, ShieldQuestion[] questions)
    {
        var verdicts = await shield.JudgeAsync(ClientAddress.Of(context), questions, context.RequestAborted).ConfigureAwait(false);
        foreach (var verdict in verdicts)
        {
            metrics?.Judged(verdict.IsViolated);
            if (log is not null)
                ServerLog.Text(log, verdict.Question.Response ?? verdict.Question.User, verdict.IsViolated ? "violated" : "not violated");
        }
        return verdicts;
    }

    private SparseDictionary Dictionary(string? asked) =>
        dictionaries.FirstOrDefault(dictionary => asked is null || dictionary.Name == asked)
        ?? throw ShieldReader.Bad(
            asked is null ? "explain" : "dictionary",
            dictionaries.Count == 0 ? "needs a dictionary, and the server has none" : "is unknown here",
            dictionaries.Count == 0
                ? "start the server with a dictionary of the model's features"
                : $"known are {string.Join(", ", dictionaries.Select(dictionary => dictionary.Name))}"
        );
}
