using System.Globalization;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>Puts into words what a check has found.</summary>
/// <param name="model">The model.</param>
/// <param name="declared">The reading that the dictionary declares.</param>
/// <param name="found">Its numbers.</param>
/// <param name="promise">What is promised.</param>
/// <param name="norm">Mean norm of the inputs.</param>
/// <param name="tried">Other readings that were tried.</param>
internal sealed class CheckFindings(
    GemmaModel model,
    CheckReading declared,
    CheckNumbers found,
    DictionaryPromise promise,
    double norm,
    int tried
)
{
    private const double NormOff = 2;

    /// <summary>What does not fit.</summary>
    /// <param name="off">Whether the numbers cannot be those of a right pair.</param>
    /// <param name="better">The reading that fits far better, or null.</param>
    public IEnumerable<CheckFinding> All(bool off, (CheckReading Reading, CheckNumbers Numbers)? better)
    {
        var names = Names();
        if (better is { } other)
            yield return Better(other.Reading, other.Numbers);
        else if (off)
            yield return Unexplained(names);
        // Where nothing else explains the numbers, the names are part of that finding.
        if (names is not null && (better is not null || !off))
            yield return Finding(
                DictionaryMismatch.Checkpoint,
                isWarning: false,
                $"{names}; {Numbers()}, so that it can be read with care"
            );
        else if (!off && better is null && Quantised() is { } type)
            yield return Finding(
                DictionaryMismatch.Quantised,
                isWarning: false,
                $"the model's weights are quantised ({type}), and the dictionary was trained on those that are not; {Numbers()}, but single "
                    + "features may differ"
            );
    }

    private CheckFinding Better(CheckReading reading, CheckNumbers numbers)
    {
        var advice = reading.Cause switch
        {
            DictionaryMismatch.Layer => "it was most likely trained at another layer",
            DictionaryMismatch.Site => "it was most likely trained at another site",
            DictionaryMismatch.Gain => "the gain of a norm is most likely missing, or applied where it should not be",
            DictionaryMismatch.Scale => "it was most likely trained on inputs of another scale",
            _ => "whether b_dec is subtracted from the input is most likely set wrong",
        };
        return Finding(reading.Cause, isWarning: true, $"{Numbers()}; {reading.Name} {Describe(numbers)} fits far better: {advice}") with
        {
            Better = reading.IsSite && reading.Outputs.Count == 1 && reading.Inputs.Count == 1 ? $"{reading.Inputs[0]}" : reading.Name,
            Site = reading.IsSite && reading.Inputs is [var site] && site != declared.Inputs[0] ? $"{site}" : null,
            Fvu = numbers.Fvu,
            L0 = numbers.L0,
        };
    }

    private CheckFinding Unexplained(string? names)
    {
        var rest = $"none of {tried} other readings of this model fits";
        if (names is not null)
            return Finding(
                DictionaryMismatch.Checkpoint,
                isWarning: true,
                $"{Numbers()}, and {rest}: this is the wrong checkpoint, for {names}"
            );
        if (Quantised() is { } type)
            return Finding(
                DictionaryMismatch.Quantised,
                isWarning: true,
                $"{Numbers()}, and {rest}: most likely what quantising the weights ({type}) has cost; compare with the model as it was published"
            );
        if (promise.Norm is { } expected && Math.Max(norm / expected, expected / norm) > NormOff)
            return Finding(
                DictionaryMismatch.Scale,
                isWarning: true,
                $"{Numbers()}; its inputs have a mean norm of {Number(norm)} and its scale was made for {Number(expected)}: the stored scale "
                    + "is most likely wrong"
            );
        var kind = model.HasChatTemplate ? "instruction-tuned (IT): it has a chat template" : "pre-trained (PT): it has no chat template";
        return Finding(
            DictionaryMismatch.Checkpoint,
            isWarning: true,
            $"{Numbers()}, and {rest}: it is most likely of another checkpoint; this one looks {kind}, and the dictionary "
                + (promise.Model is { } trained ? $"was trained on {trained}" : "does not say what it was trained on")
        );
    }

    /// <summary>How the names differ, or null where they agree or do not say enough.</summary>
    private string? Names()
    {
        if (GemmaName.Of(promise.Model) is not { } trained)
            return null;
        if (model.KnownAs is not { } known)
            // A folder may have any name, but not any shape.
            return DictionarySize.Shape(trained.Model) is { } shape && shape != (model.Config.Layers, model.Config.Width)
                ? $"it was trained on {promise.Model}, which has {shape.Layers} layers of width {shape.Width}, and this model has "
                    + $"{model.Config.Layers} of {model.Config.Width}"
                : null;
        var (name, host) = known;
        if (trained.Model != host.Model)
            return $"it was trained on {promise.Model}, and this model is {name}, of another size or generation";
        return trained.Variant != host.Variant
            ? $"it was trained on {promise.Model}, {trained.VariantWords}, and this model, {name}, is {host.VariantWords}"
            : null;
    }

    /// <summary>The types that the weights are quantised to, or null.</summary>
    private string? Quantised() => model.QuantisedTypes is { Count: > 0 } types ? string.Join(", ", types) : null;

    private string Numbers()
    {
        var l0 = promise.L0 is not { } range
            ? ""
            : $" where {(range.Least == range.Most ? Number(range.Least) : $"{Number(range.Least)} to {Number(range.Most)}")} is promised";
        return $"read {declared.Name} it has {Describe(found)}{l0}";
    }

    private static string Describe(CheckNumbers numbers) => $"FVU {Number(numbers.Fvu, "0.00")} and L0 {Number(numbers.L0)}";

    private static string Number(double value, string small = "0.#") =>
        value.ToString(
            Math.Abs(value) < 10 ? small
                : Math.Abs(value) < 100 ? "0.#"
                : "0",
            CultureInfo.InvariantCulture
        );

    private static CheckFinding Finding(DictionaryMismatch cause, bool isWarning, string text) =>
        new()
        {
            Cause = cause,
            IsWarning = isWarning,
            Text = text,
        };
}
