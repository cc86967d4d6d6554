using System.Globalization;
using Microsoft.AspNetCore.Mvc;

namespace GemmaScope.Server.Pages;

/// <summary>Steering as it stands in the address of a feature's page.</summary>
/// <param name="Steer">The prompt; without one nothing is steered.</param>
/// <param name="Mode">The mode.</param>
/// <param name="Strength">The strength of the page's feature.</param>
/// <param name="With">Further features, each with a strength of its own if it has one: <c>12:5, 40</c>.</param>
/// <param name="Positions">Where.</param>
/// <param name="Seed">Seed of both texts.</param>
/// <param name="MaxTokens">New tokens at most.</param>
/// <param name="Temperature">Temperature.</param>
/// <param name="FrequencyPenalty">Frequency penalty.</param>
internal sealed record SteerQuery(
    string? Steer = null,
    string? Mode = null,
    double? Strength = null,
    string? With = null,
    string? Positions = null,
    int? Seed = null,
    [property: FromQuery(Name = "max_tokens")] int? MaxTokens = null,
    double? Temperature = null,
    [property: FromQuery(Name = "frequency_penalty")] double? FrequencyPenalty = null
)
{
    /// <summary>The same as a request.</summary>
    /// <exception cref="ArgumentProblemException">The further features cannot be read.</exception>
    public SteerRequest Request(string dictionary, int feature)
    {
        var mode = Mode ?? SteerRequest.DefaultMode;
        // A form without script sends the strength whatever the mode.
        var hasStrength = !Behaviour.Steering.Modes.TryGetValue(mode, out var known) || Behaviour.Steering.HasStrength(known);
        return new(
            dictionary,
            Steer ?? "",
            feature,
            Others(),
            mode,
            hasStrength ? Strength ?? SteerRequest.DefaultStrength : null,
            Positions ?? SteerRequest.DefaultPositions,
            Seed ?? SteerRequest.DefaultSeed,
            MaxTokens ?? SteerRequest.MostTokens,
            Temperature ?? SteerRequest.DefaultTemperature,
            FrequencyPenalty ?? SteerRequest.DefaultPenalty
        );
    }

    private SteerFeature[] Others() =>
        [
            .. (With ?? "")
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(text =>
                {
                    var parts = text.Split(':', 2, StringSplitOptions.TrimEntries);
                    double? strength =
                        parts.Length == 1 ? null
                        : double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
                        : double.NaN;
                    return
                        int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
                        && strength is not double.NaN
                        ? new SteerFeature(feature, strength)
                        : throw new ArgumentProblemException(
                            $"'{text}' is no feature; write numbers with commas between, a strength of its own behind a colon: 12:5, 40",
                            "further features"
                        );
                }),
        ];
}
