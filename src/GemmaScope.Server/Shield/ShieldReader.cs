using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Shield;

/// <summary>Makes questions of a request, and says of each problem in which field it is.</summary>
internal sealed class ShieldReader(ShieldService shield)
{
    /// <summary>Texts in one request at most; more belong into several, which take turns with those of others.</summary>
    public const int MostTexts = 64;

    public (string? Id, ShieldQuestion Question)[] Read(ShieldRequest request)
    {
        var (policies, options) = (Policies(request), Options(request));
        if (request.Inputs is not { } inputs)
            return [(null, Prepare(request.Prompt, request.Response, policies, options, ""))];
        if (request.Prompt is not null || request.Response is not null)
            throw Bad("inputs", "has the texts, and there is another beside it", "give prompt and response inside inputs, or no inputs");
        RequireCount(inputs.Count, "inputs");
        return
        [
            .. inputs.Select(
                (input, i) =>
                    input is null
                        ? throw Bad($"inputs[{i}]", "is null", "give an object with prompt")
                        : (input.Id, Prepare(input.Prompt, input.Response, policies, options, $"inputs[{i}]."))
            ),
        ];
    }

    /// <summary>A text in a field.</summary>
    public ShieldQuestion Prepare(
        string? prompt,
        string? response,
        IReadOnlyList<ShieldPolicy> policies,
        ShieldOptions options,
        string prefix,
        string name = "prompt"
    )
    {
        if (response is null && string.IsNullOrEmpty(prompt))
            throw Bad(prefix + name, "is missing or empty", "give the text that is to be judged");
        if (response is "")
            throw Bad(prefix + "response", "is empty", "give the response that is to be judged, or leave it out to judge the prompt");
        try
        {
            return shield.Prepare(prompt ?? "", response, policies, options);
        }
        catch (ContextLengthException problem)
        {
            throw new ProblemException(
                StatusCodes.Status413PayloadTooLarge,
                FieldWords.Problem(problem),
                FieldWords.Cure(problem) ?? "shorten the text",
                prefix + (response is null ? name : "response")
            );
        }
        catch (ArgumentProblemException problem)
        {
            throw Bad(
                prefix + (response is null ? name : "response"),
                FieldWords.Problem(problem),
                FieldWords.Cure(problem) ?? "ask in another way"
            );
        }
    }

    public static void RequireCount(int count, string field)
    {
        if (count == 0)
            throw Bad(field, "is empty", "give a text");
        if (count > MostTexts)
            throw new ProblemException(
                StatusCodes.Status413PayloadTooLarge,
                $"{field} has {count} texts",
                $"send {MostTexts} at most at once",
                field
            );
    }

    public static ProblemException Bad(string field, string problem, string cure) =>
        new(StatusCodes.Status400BadRequest, $"{field} {problem}", cure, field);

    private ShieldPolicy[] Policies(ShieldRequest request)
    {
        if (request.Policies is { Count: 0 })
            throw Bad("policies", "is empty", "name at least one, or leave it out for all");
        var chosen = request.Policies is { } names
            ? names.Select((name, i) => Find(name, $"policies[{i}]")).Distinct().ToArray()
            : [.. shield.Policies];
        foreach (var (name, threshold) in request.Thresholds ?? new Dictionary<string, double>())
        {
            var (field, key) = ($"thresholds.{name}", Find(name, "thresholds").Key);
            if (threshold is not (>= 0 and <= 1))
                throw Bad(field, $"is {threshold}", "give a probability from 0 to 1");
            chosen = [.. chosen.Select(policy => policy.Key == key ? policy with { Threshold = threshold } : policy)];
        }
        return chosen;
    }

    private ShieldPolicy Find(string? name, string field)
    {
        try
        {
            return ShieldPolicy.Find(name ?? "", shield.Policies);
        }
        catch (ArgumentProblemException)
        {
            throw Bad(
                field,
                "names a policy that is unknown here",
                $"known are {string.Join(", ", shield.Policies.Select(policy => policy.Key))}"
            );
        }
    }

    private ShieldOptions Options(ShieldRequest request) =>
        shield.Options with
        {
            Template = request.Template is null
                ? shield.Options.Template
                : ShieldTemplate.All.FirstOrDefault(template => template.Name == request.Template)
                    ?? throw Bad(
                        "template",
                        "is unknown",
                        $"known are {string.Join(", ", ShieldTemplate.All.Select(template => template.Name))}"
                    ),
            Hardened = request.Hardened ?? shield.Options.Hardened,
            Truncation = request.Truncate switch
            {
                null => shield.Options.Truncation,
                "refuse" => ShieldTruncation.Refuse,
                "keep-start" => ShieldTruncation.KeepStart,
                "keep-end" => ShieldTruncation.KeepEnd,
                _ => throw Bad("truncate", "is unknown", "known are refuse, keep-start, keep-end"),
            },
        };
}
