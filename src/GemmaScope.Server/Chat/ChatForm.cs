using System.Globalization;
using System.Text.Json;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;

namespace GemmaScope.Server.Chat;

/// <summary>The page's form as it was sent, for a browser without script: what was said so far is one of its fields.</summary>
internal sealed record ChatForm
{
    /// <summary>Names of fields; of each direction there are two, with its place behind them.</summary>
    public const string MessageField = "message",
        TurnsField = "turns",
        DictionaryField = "dictionary",
        FeaturesField = "features",
        WatchField = "watch",
        AlongField = "along",
        StopField = "stop",
        ModeField = "mode",
        SeedField = "seed",
        TemperatureField = "temperature",
        TokensField = "max_tokens",
        ThinkingField = "thinking";

    /// <summary>What is to be said.</summary>
    public string Message { get; init; } = "";

    /// <summary>What was said.</summary>
    public IReadOnlyList<ChatExchange> Turns { get; init; } = [];

    /// <summary>The dictionary that names features; empty for the first.</summary>
    public string Dictionary { get; init; } = "";

    /// <summary>The features that are steered, as they are typed: <c>name/12: 5, 40: -3</c>.</summary>
    public string Features { get; init; } = "";

    /// <summary>The directions, by their places: whether each is watched, its strength, and above which projection it ends a reply.</summary>
    public IReadOnlyList<(bool IsWatched, double Strength, double? StopAbove)> Along { get; init; } = [];

    /// <summary>How features are steered.</summary>
    public string Mode { get; init; } = SteerRequest.DefaultMode;

    /// <summary>Seed.</summary>
    public int Seed { get; init; } = SteerRequest.DefaultSeed;

    /// <summary>Temperature.</summary>
    public double Temperature { get; init; } = ChatRequest.DefaultTemperature;

    /// <summary>New tokens at most.</summary>
    public int MaxTokens { get; init; } = ChatRequest.DefaultTokens;

    /// <summary>Whether the model thinks before it answers.</summary>
    public bool Thinking { get; init; }

    /// <summary>Reads the fields.</summary>
    /// <param name="field">The fields by name; empty where there is none.</param>
    /// <param name="directions">How many directions there are.</param>
    /// <exception cref="ArgumentProblemException">A number is none, or what was said cannot be read.</exception>
    public static ChatForm Read(Func<string, string> field, int directions) =>
        new()
        {
            Message = field(MessageField),
            Turns = field(TurnsField) is { Length: > 0 } turns ? Said(turns) : [],
            Dictionary = field(DictionaryField),
            Features = field(FeaturesField),
            Along =
            [
                .. Enumerable
                    .Range(0, directions)
                    .Select(i =>
                        (
                            field($"{WatchField}{i}").Length > 0,
                            Number(field($"{AlongField}{i}"), 0, "strength"),
                            field($"{StopField}{i}") is { Length: > 0 } stop ? Number(stop, 0, "stop_above") : (double?)null
                        )
                    ),
            ],
            Mode = field(ModeField) is { Length: > 0 } mode ? mode : SteerRequest.DefaultMode,
            Seed = (int)Number(field(SeedField), SteerRequest.DefaultSeed, SeedField),
            Temperature = Number(field(TemperatureField), ChatRequest.DefaultTemperature, TemperatureField),
            MaxTokens = (int)Number(field(TokensField), ChatRequest.DefaultTokens, TokensField),
            Thinking = field(ThinkingField).Length > 0,
        };

    /// <summary>The same as a request, whose last turn is the message.</summary>
    /// <param name="dictionary">The dictionary of features that name none.</param>
    /// <param name="directions">The directions by their places.</param>
    /// <exception cref="ArgumentProblemException">The features cannot be read.</exception>
    public ChatRequest Request(string? dictionary, IReadOnlyList<ServedDirection> directions) =>
        new(
            [.. Turns, new ChatExchange(Message)],
            Dictionary.Length > 0 ? Dictionary : null,
            Steered(dictionary),
            [
                .. Along
                    .Zip(directions)
                    .Where(one => one.First.IsWatched || one.First.Strength != 0 || one.First.StopAbove is not null)
                    .Select(one => new ChatDirection(one.Second.Name, one.First.Strength, one.First.StopAbove)),
            ],
            Mode,
            Seed,
            Temperature,
            MaxTokens,
            Thinking
        );

    private ChatFeature[] Steered(string? dictionary) =>
        [
            .. Features
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(text =>
                {
                    var colon = text.LastIndexOf(':');
                    var (name, strength) = colon > 0 ? (text[..colon].Trim(), text[(colon + 1)..].Trim()) : (text, "");
                    var slash = name.LastIndexOf('/');
                    return
                        int.TryParse(name[(slash + 1)..].TrimStart('#'), NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
                        && (strength.Length == 0 || double.TryParse(strength, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
                        && (slash > 0 || dictionary is not null)
                        ? new ChatFeature(
                            slash > 0 ? name[..slash] : dictionary!,
                            feature,
                            strength.Length == 0
                                ? SteerRequest.DefaultStrength
                                : double.Parse(strength, NumberStyles.Float, CultureInfo.InvariantCulture)
                        )
                        : throw new ArgumentProblemException(
                            $"'{text}' is no feature; write numbers with commas between, each with its strength behind a colon: 12: 5, 40: -3",
                            FeaturesField
                        );
                }),
        ];

    private static double Number(string text, double otherwise, string name) =>
        text.Length == 0 ? otherwise
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? Math.Clamp(number, int.MinValue, int.MaxValue)
        : throw new ArgumentProblemException($"'{text}' is no number", name);

    private static ChatExchange[] Said(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<ChatExchange[]>(json, ServerJson.Options) ?? [];
        }
        catch (JsonException problem)
        {
            throw new ArgumentProblemException("cannot be read; begin a new one", "conversation", problem);
        }
    }
}
