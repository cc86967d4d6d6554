using System.Text.Json;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Shield;

/// <summary>Makes questions of a request, and says of each problem in which field it is.</summary>
internal sealed class ShieldReader(ShieldService shield)
{
    /// <summary>Texts in one request at most; more belong into several, which take turns with those of others.</summary>
    public const int MostTexts = 64;

    /// <summary>Fields that change a verdict at <c>/v1/shield</c>; who sends one elsewhere must not believe that it did.</summary>
    private static readonly string[] OwnFields =
    [
        .. typeof(ShieldRequest).GetProperties().Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)),
    ];

    public ShieldSubject[] Read(ShieldRequest request)
    {
        var (policies, options) = (Policies(request), Options(request));
        if (request.Inputs is not { } inputs)
            return [Subject(null, request.Prompt, request.Response, request.Messages, "")];
        if (request.Prompt is not null || request.Response is not null || request.Messages is not null)
            throw Bad("inputs", "has the texts, and there is another beside it", "give prompt and response inside inputs, or no inputs");
        RequireCount(inputs.Count, "inputs");
        ShieldSubject[] subjects =
        [
            .. inputs.Select(
                (input, i) =>
                    input is null
                        ? throw Bad($"inputs[{i}]", "is null", "give an object with prompt")
                        : Subject(input.Id, input.Prompt, input.Response, input.Messages, $"inputs[{i}].")
            ),
        ];
        RequireCount(subjects.Sum(subject => subject.Questions.Count), "inputs");
        return subjects;

        ShieldSubject Subject(string? id, string? prompt, string? response, JsonElement? messages, string prefix)
        {
            if (messages is not { } conversation)
                return new(id, [Prepare(prompt, response, policies, options, prefix)]);
            if (prompt is not null || response is not null)
                throw Bad($"{prefix}messages", "has the texts, and there is another beside it", "give either, not both");
            return new(id, Prepare(MessageTexts.OfConversation(conversation, $"{prefix}messages"), policies, options, $"{prefix}messages"));
        }
    }

    /// <summary>What is asked in the form of OpenAI's endpoint.</summary>
    public ShieldSubject[] Read(ModerationRequest request)
    {
        if (request.Others?.Keys.FirstOrDefault(OwnFields.Contains) is { } own)
            throw Bad(own, "is a field of /v1/shield and means nothing here", "ask there, or leave it out");
        if (request is { Messages: { } messages, Input: null })
            return [Whole(MessageTexts.OfConversation(messages, "messages"), "messages")];
        if (request.Messages is not null)
            throw Bad("messages", "has the texts, and there is another beside it", "give either, not both");
        switch (request.Input)
        {
            case { ValueKind: JsonValueKind.String } text:
                return [Alone(text, "input")];
            case { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object):
                RequireCount(list.GetArrayLength(), "input");
                return
                [
                    Whole(
                        MessageTexts.IsConversation(list)
                            ? MessageTexts.OfConversation(list, "input")
                            : MessageTexts.OfParts(list, "input"),
                        "input"
                    ),
                ];
            case { ValueKind: JsonValueKind.Array } list:
                RequireCount(list.GetArrayLength(), "input");
                return [.. list.EnumerateArray().Select((item, i) => Alone(item, $"input[{i}]"))];
            default:
                throw Bad("input", "is neither a text nor a list of texts", "give \"input\": \"…\" or \"input\": [\"…\", \"…\"]");
        }

        ShieldSubject Whole(JudgedText[] texts, string field) => new(null, Prepare(texts, shield.Policies, shield.Options, field));

        ShieldSubject Alone(JsonElement item, string field) =>
            item.ValueKind == JsonValueKind.String
                ? new(null, [Prepare(item.GetString(), null, shield.Policies, shield.Options, "", field)])
                : throw Bad(
                    field,
                    "is no text like the others",
                    "give strings, which are texts, or objects, which are the parts of one message"
                );
    }

    private ShieldQuestion[] Prepare(JudgedText[] texts, IReadOnlyList<ShieldPolicy> policies, ShieldOptions options, string field)
    {
        RequireCount(texts.Length, field);
        return [.. texts.Select(text => Prepare(text.Prompt, text.Response, policies, options, "", text.Field, text.Field))];
    }

    /// <summary>A text in a field.</summary>
    public ShieldQuestion Prepare(
        string? prompt,
        string? response,
        IReadOnlyList<ShieldPolicy> policies,
        ShieldOptions options,
        string prefix,
        string name = "prompt",
        string responseName = "response"
    )
    {
        if (response is null && string.IsNullOrEmpty(prompt))
            throw Bad(prefix + name, "is missing or empty", "give the text that is to be judged");
        if (response is "")
            throw Bad(prefix + responseName, "is empty", "give the response that is to be judged, or leave it out to judge the prompt");
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
                prefix + (response is null ? name : responseName)
            );
        }
        catch (ArgumentProblemException problem)
        {
            throw Bad(
                prefix + (response is null ? name : responseName),
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
