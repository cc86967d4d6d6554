using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace GemmaScope.Server.Shield;

/// <summary>What was written into the form of the guard's page.</summary>
/// <param name="Prompt">What a user wrote.</param>
/// <param name="Response">What a model answered to it; empty to judge the prompt.</param>
/// <param name="Policy">The policy that is explained, by its key; empty for the likeliest.</param>
/// <param name="Dictionary">The dictionary it is explained with, by its name in addresses; empty for no explanation.</param>
internal sealed record ShieldForm(string Prompt = "", string Response = "", string Policy = "", string Dictionary = "");

/// <summary>
/// The guard as a page at <c>/shield</c>: a text is judged, and the verdict taken apart into features. The text goes with the form and not
/// with the address, so that no history or log holds it.
/// </summary>
/// <param name="shield">The guard.</param>
/// <param name="reader">Makes questions of what was typed.</param>
/// <param name="served">The model and its dictionaries.</param>
/// <param name="titles">What dictionaries are called.</param>
/// <param name="judgeAsync">Judges questions, and counts them.</param>
internal sealed class ShieldPage(
    ShieldService shield,
    ShieldReader reader,
    ServerModel served,
    TitleBook titles,
    Func<HttpContext, ShieldQuestion[], Task<IReadOnlyList<ShieldVerdict>>> judgeAsync
)
{
    /// <summary>Features removed to measure what they do: each costs a run of the model.</summary>
    private const int Removed = 5;

    private readonly FeatureLibrary? _library = served.Features is { } database ? new FeatureLibrary(database, titles) : null;

    private readonly MicroscopeDictionary[] _dictionaries =
    [
        .. MicroscopeDictionary
            .Of(served.Name, served.Dictionaries, served.Features)
            .Where(one => VerdictExplainer.Explains(served.Model, one.Dictionary)),
    ];

    public void Map(WebApplication app)
    {
        app.Services.GetRequiredService<PageSections>().Add(PageSection.Guard);
        var pages = app.MapGroup("").AddEndpointFilter(PageResult.GuardAsync).ExcludeFromDescription();
        pages.MapGet("/shield", () => new PageResult(View(new() { Dictionary = _dictionaries.FirstOrDefault()?.Name ?? "" }).Render()));
        pages.MapPost("/shield", (Delegate)AnswerAsync).AddEndpointFilter(OwnForms.OnlyAsync);
    }

    private async Task<PageResult> AnswerAsync(HttpContext context)
    {
        var field = await RequestForm.ReadAsync(context).ConfigureAwait(false);
        var form = new ShieldForm(field("prompt"), field("response"), field("policy"), field("dictionary"));
        try
        {
            var question = reader.Prepare(
                form.Prompt,
                form.Response.Length > 0 ? form.Response : null,
                shield.Policies,
                shield.Options,
                ""
            );
            var policy = form.Policy.Length == 0 ? (int?)null : Index(form.Policy);
            var dictionary =
                form.Dictionary.Length == 0
                    ? null
                    : _dictionaries.FirstOrDefault(one => one.Name == form.Dictionary)
                        ?? throw ShieldReader.Bad(
                            "dictionary",
                            "is unknown here",
                            $"known are {string.Join(", ", _dictionaries.Select(one => one.Name))}"
                        );
            var verdict = (await judgeAsync(context, [question]).ConfigureAwait(false))[0];
            var why = dictionary is null
                ? null
                : await shield
                    .ExplainAsync(ClientAddress.Of(context), verdict, dictionary.Dictionary, policy, Removed, context.RequestAborted)
                    .ConfigureAwait(false);
            return new(View(form, verdict, why, dictionary).Render());
        }
        catch (ProblemException problem)
        {
            return new(View(form, problem: $"{problem.Message}; {problem.Cure}").Render(problem.Status));
        }
        catch (ArgumentProblemException problem)
        {
            return new(View(form, problem: FieldWords.Describe(problem)).Render(StatusCodes.Status400BadRequest));
        }
    }

    private int Index(string key) =>
        shield.Policies.Index().FirstOrDefault(policy => policy.Item.Key == key, (-1, null!)).Index is >= 0 and var index
            ? index
            : throw ShieldReader.Bad(
                "policy",
                "is unknown here",
                $"known are {string.Join(", ", shield.Policies.Select(policy => policy.Key))}"
            );

    private ShieldView View(
        ShieldForm form,
        ShieldVerdict? verdict = null,
        VerdictExplanation? why = null,
        MicroscopeDictionary? with = null,
        string? problem = null
    ) =>
        new(served, shield, _dictionaries, titles.Now(), form, verdict, problem)
        {
            Why = why is null || with is null ? null : Explained(why, with),
            Notes = why?.Warnings ?? [],
        };

    private ExplanationMarkup Explained(VerdictExplanation why, MicroscopeDictionary with)
    {
        var listed = why.Features.Take(ShieldView.Listed).Select(feature => feature.Feature).ToArray();
        var rows = served.Features.ByFeature(with.Stored, listed);
        var glances = with.Stored is { } known && _library is not null ? _library.ReadableGlances(known, listed) : null;
        return new(
            new VerdictReasons(why, ShieldView.Listed, feature => rows.GetValueOrDefault(feature)?.Label),
            feature => with.Stored is { } stored ? PageAddress.Feature(stored, feature) : null
        )
        {
            Called = titles.Now()[FeatureLinks.ModelName(served.Name), with.Name].Text,
            Named =
                with.Stored is not { } own || glances is null
                    ? null
                    : feature =>
                        FeatureName.Link(
                            own,
                            feature,
                            FeatureName.Of(rows.GetValueOrDefault(feature)?.Label, glances.GetValueOrDefault(feature))
                        ),
        };
    }
}
