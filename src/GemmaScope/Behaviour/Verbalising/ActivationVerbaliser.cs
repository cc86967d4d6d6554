using System.Numerics.Tensors;
using System.Text.RegularExpressions;
using GemmaScope.Models;

namespace GemmaScope.Behaviour.Verbalising;

/// <summary>What a verbaliser wrote for one vector.</summary>
/// <param name="Text">Its explanation, without marks; all it wrote where it did not mark one.</param>
/// <param name="IsMarked">Whether it marked the explanation as it had learned. If not, it was cut short, or the vector reached it in a form
/// it does not know.</param>
public sealed record Verbalisation(string Text, bool IsMarked);

/// <summary>
/// A model that describes a vector in words: in a fixed prompt the embedding of one token is overwritten by the vector, brought to the
/// length that the model learned with, and the model answers. Gemma multiplies embeddings by √d; the vector takes the place of the product,
/// so that its length is that of the file and is not multiplied again.
/// </summary>
public sealed partial class ActivationVerbaliser
{
    private const int Together = 16;

    private readonly GemmaModel _model;
    private readonly NlaMetadata _metadata;
    private readonly int[] _prompt;
    private readonly int _place;
    private readonly double? _scale;

    /// <summary>Prepares the prompt, and finds out whether the tokenizer is the one that the model learned with.</summary>
    /// <param name="model">The verbaliser, which must outlive this.</param>
    /// <param name="metadata">What is known of it.</param>
    /// <param name="scale">Another length of vectors than the file's; null for that.</param>
    /// <exception cref="FileFormatException">Model and metadata do not fit together.</exception>
    /// <exception cref="ArgumentProblemException">Nobody says how long vectors are.</exception>
    public ActivationVerbaliser(GemmaModel model, NlaMetadata metadata, double? scale = null)
    {
        (_model, _metadata, _scale) = (model, metadata, scale ?? metadata.InjectionScale);
        if (metadata.IsReconstructor)
            throw new FileFormatException(
                "is of a model that turns text into a vector; one that turns a vector into text is needed",
                metadata.File
            );
        if (metadata.Width != model.Config.Width)
            throw new FileFormatException($"is of vectors of {metadata.Width} numbers, the model of {model.Config.Width}", metadata.File);
        if (_scale is null && !metadata.IsInjectedRaw)
            throw new ArgumentProblemException(
                $"{metadata.File} does not say how long vectors were made (extraction.injection_scale)",
                "scale"
            );
        if (_scale is { } length && !(length > 0 && double.IsFinite(length)))
            throw new ArgumentProblemException($"is {length}; it must be above 0", "scale");
        var (template, placeholder) = (Needed(metadata.VerbaliserTemplate, "av"), Needed(metadata.Placeholder, "injection_char"));
        var id = metadata.PlaceholderId ?? throw new FileFormatException("names no injection_token_id", metadata.File);
        _prompt = model.ChatTemplate.Encode(
            model.Tokenizer,
            [new Text.ChatMessage("user", metadata.Fill(template, "injection_char", placeholder))],
            addGenerationPrompt: true
        );
        int[] places =
        [
            .. Enumerable
                .Range(1, Math.Max(0, _prompt.Length - 2))
                .Where(i =>
                    _prompt[i] == id
                    && (metadata.LeftId is not { } left || _prompt[i - 1] == left)
                    && (metadata.RightId is not { } right || _prompt[i + 1] == right)
                ),
        ];
        _place = places is [var only]
            ? only
            : throw new FileFormatException(
                $"token {id} between {metadata.LeftId} and {metadata.RightId} stands {places.Length} times in the prompt, and must once; "
                    + "the tokenizer or the chat template is another than the model learned with",
                metadata.File
            );

        string Needed(string? value, string name) => value ?? throw new FileFormatException($"has no {name}", metadata.File);
    }

    /// <summary>The ids of the prompt.</summary>
    public IReadOnlyList<int> Prompt => _prompt;

    /// <summary>The position that a vector takes.</summary>
    public int Place => _place;

    /// <summary>Describes vectors, several at a time.</summary>
    /// <param name="vectors">The vectors, as they are in the residual stream.</param>
    /// <param name="options">Sampling and stopping.</param>
    /// <param name="progress">Told how many are described.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <exception cref="ArgumentProblemException">A vector is of another width, zero or not finite.</exception>
    public IReadOnlyList<Verbalisation> Describe(
        IReadOnlyList<float[]> vectors,
        GenerationOptions options,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Edit[][] edits = [.. vectors.Select(vector => (Edit[])[Edit.Set(Site.Embed, Scaled(vector), Positions.At(_place))])];
        return
        [
            .. _model
                .GenerateMany([.. vectors.Select(_ => _prompt)], options, prompt => edits[prompt], Together, progress, cancellationToken)
                .Select(written => Read(_model.Tokenizer.Decode(written, skipSpecial: true))),
        ];
    }

    /// <summary>The explanation in what a verbaliser wrote.</summary>
    internal static Verbalisation Read(string written) =>
        Marked().Match(written) is { Success: true } match ? new(match.Groups[1].Value, true) : new(written.Trim(), false);

    private float[] Scaled(float[] vector)
    {
        if (vector.Length != _metadata.Width)
            throw new ArgumentProblemException($"has {vector.Length} numbers, the verbaliser reads {_metadata.Width}", "vector");
        var norm = TensorPrimitives.Norm<float>(vector);
        if (!float.IsFinite(norm) || norm == 0)
            throw new ArgumentProblemException("is zero or not finite", "vector");
        return _scale is { } scale ? Array.ConvertAll(vector, value => (float)(value * (scale / norm))) : vector;
    }

    [GeneratedRegex(@"<explanation>\s*(.*?)\s*</explanation>", RegexOptions.Singleline)]
    private static partial Regex Marked();
}
