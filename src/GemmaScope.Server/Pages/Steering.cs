using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Pages;

/// <summary>A prompt to be continued with and without features. The defaults are those of METHODS §7.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Feature">The feature, where there is one.</param>
/// <param name="Features">Several features, each with a strength of its own or that of the request.</param>
/// <param name="Mode">add, add-unit, clamp, ablate, directional, everywhere, orthogonal, cap or norm-matched.</param>
/// <param name="Strength">−300 to 300; what W_dec is multiplied by, the activation that is clamped to, the coefficient or the ceiling. 10
/// where none is given; without meaning for ablate, directional and everywhere.</param>
/// <param name="Positions">all: every position but BOS; last: from the prompt's last token on; new: only those that are written.</param>
/// <param name="Seed">The same seed gives the same texts.</param>
/// <param name="MaxTokens">New tokens at most, to 256.</param>
/// <param name="Temperature">0 for the most likely token.</param>
/// <param name="FrequencyPenalty">Subtracted from a logit for each time its token stood there.</param>
internal sealed record SteerRequest(
    string Dictionary,
    string Text,
    int? Feature = null,
    IReadOnlyList<SteerFeature>? Features = null,
    string Mode = SteerRequest.DefaultMode,
    double? Strength = null,
    string Positions = SteerRequest.DefaultPositions,
    int Seed = SteerRequest.DefaultSeed,
    int MaxTokens = SteerRequest.MostTokens,
    double Temperature = SteerRequest.DefaultTemperature,
    double FrequencyPenalty = SteerRequest.DefaultPenalty
)
{
    public const double DefaultStrength = 10,
        LargestStrength = 300,
        DefaultTemperature = 0.5,
        DefaultPenalty = 1;
    public const int MostTokens = 256,
        DefaultSeed = 16,
        MostFeatures = 16;
    public const string DefaultMode = "add",
        DefaultPositions = "all";
}

/// <summary>One of several features.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Strength">Its own strength, −300 to 300.</param>
internal sealed record SteerFeature(int Feature, double? Strength = null);

/// <summary>A few more words of one of the two texts, or what was measured of it.</summary>
/// <param name="Kind">normal or steered.</param>
/// <param name="Text">What comes next; empty where something was measured.</param>
/// <param name="Next">First of all: the most likely tokens after the prompt.</param>
/// <param name="NextKl">With them, KL(normal ‖ steered) of that prediction in nats.</param>
/// <param name="Effect">Last of all: what steering did to the text.</param>
internal sealed record SteeredPiece(
    string Kind,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<LikelyToken>? Next = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? NextKl = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SteeringEffect? Effect = null
);

/// <summary>A token that may come next.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its piece.</param>
/// <param name="Probability">How likely it is.</param>
internal sealed record LikelyToken(int Id, string Piece, double Probability);

/// <summary>
/// Continues prompts with and without features turned up, down or off where the dictionary writes (<see cref="Behaviour.Steering"/>). Both
/// texts begin with the same seed. The queue gets a turn every few tokens, so that a long text keeps nobody waiting.
/// </summary>
internal sealed class Steering(ServerModel served, ModelQueue queue)
{
    /// <summary>The kinds of texts.</summary>
    public const string Normal = "normal",
        Steered = "steered";

    private const int LikelyTokens = 5;

    /// <summary>What is predicted after the prompt, both texts in turns and as they come, and at the end what steering did to
    /// them.</summary>
    /// <exception cref="ArgumentProblemException">The request is out of range, or the dictionary writes to several sites.</exception>
    public async IAsyncEnumerable<SteeredPiece> ContinueAsync(
        MicroscopeDictionary dictionary,
        SteerRequest request,
        string source,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (prompt, edits) = Check(dictionary, request);
        var options = new GenerationOptions
        {
            MaxNewTokens = request.MaxTokens,
            Temperature = request.Temperature,
            FrequencyPenalty = request.FrequencyPenalty,
            Seed = request.Seed,
        };
        // They check the options: what cannot be is said before anything is.
        using var normal = new ContinuationWriter(Normal, served.Model, prompt, options);
        using var steered = new ContinuationWriter(Steered, served.Model, prompt, options with { Edits = edits });
        var next = await queue
            .RunAsync(source, turn => NextTokenShift.Measure(served.Model, prompt, edits, LikelyTokens, turn), cancellationToken)
            .ConfigureAwait(false);
        yield return new(Normal, "", Likely(next.Normal), 0);
        yield return new(Steered, "", Likely(next.Edited), next.Kl);
        ContinuationWriter[] both = [normal, steered];
        while (both.Any(writer => !writer.IsDone))
            foreach (var writer in both.Where(writer => !writer.IsDone))
                if (await queue.RunAsync(source, writer.Next, cancellationToken).ConfigureAwait(false) is { Length: > 0 } text)
                    yield return new(writer.Kind, text);
        foreach (var writer in both)
            yield return new(
                writer.Kind,
                "",
                Effect: await queue.RunAsync(source, writer.Measure, cancellationToken).ConfigureAwait(false)
            );
    }

    private LikelyToken[] Likely(IReadOnlyList<TokenScore> tokens) =>
        [.. tokens.Select(token => new LikelyToken(token.Token, served.Model.Tokenizer.Piece(token.Token), token.Value))];

    /// <summary>The prompt's tokens, and the changes.</summary>
    public (int[] Prompt, IReadOnlyList<Edit> Edits) Check(MicroscopeDictionary dictionary, SteerRequest request)
    {
        var (mode, positions) = (
            Named(Behaviour.Steering.Modes, request.Mode, "mode"),
            Named(Behaviour.Steering.PositionNames, request.Positions, "positions")
        );
        if (request.MaxTokens is < 1 or > SteerRequest.MostTokens)
            throw new ArgumentProblemException($"must be from 1 to {SteerRequest.MostTokens}", "max_tokens");
        if (request.Text.Length is 0 or > TextReader.LongestText)
            throw new ArgumentProblemException($"must have 1 to {TextReader.LongestText} characters", "text");
        var features = Features(dictionary, request, mode);
        var prompt = served.Model.Tokenizer.Encode(request.Text.ReplaceLineEndings("\n"), addBos: true);
        return (
            prompt,
            Behaviour.Steering.Edits(
                mode,
                features,
                served.Model.Config,
                Behaviour.Steering.Span(positions, prompt, served.Model.Config.BosId)
            )
        );
    }

    private static SteeredFeature[] Features(MicroscopeDictionary dictionary, SteerRequest request, SteeringMode mode)
    {
        if (request.Features?.Contains(null!) is true)
            throw new ArgumentProblemException("has a null; give objects with feature", "features");
        SteerFeature[] features = [.. request.Feature is { } one ? (ReadOnlySpan<SteerFeature>)[new(one)] : [], .. request.Features ?? []];
        if (features.Length is 0 or > SteerRequest.MostFeatures)
            throw new ArgumentProblemException($"name 1 to {SteerRequest.MostFeatures} features", "features");
        if (
            !Behaviour.Steering.HasStrength(mode) && (request.Strength is not null || features.Any(feature => feature.Strength is not null))
        )
            throw new ArgumentProblemException($"{request.Mode} has none; leave it out", "strength");
        return
        [
            .. features.Select(feature => new SteeredFeature(
                dictionary.Dictionary,
                feature.Feature,
                InRange(feature.Strength ?? request.Strength ?? SteerRequest.DefaultStrength)
            )),
        ];
    }

    private static double InRange(double strength) =>
        Math.Abs(strength) <= SteerRequest.LargestStrength
            ? strength
            : throw new ArgumentProblemException(
                $"must be from {-SteerRequest.LargestStrength} to {SteerRequest.LargestStrength}",
                "strength"
            );

    private static T Named<T>(IReadOnlyDictionary<string, T> names, string name, string argument) =>
        names.TryGetValue(name, out var found)
            ? found
            : throw new ArgumentProblemException($"must be one of {string.Join(", ", names.Keys)}", argument);
}
