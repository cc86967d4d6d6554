using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What the tokens of reasoning add to the logit of the answer, over the mean logit; gradient times input at the embedding.</summary>
/// <param name="Reasoning">full, shuffled (of another question) or random.</param>
/// <param name="Share">The reasoning's part of all magnitudes.</param>
/// <param name="Sum">What it adds together.</param>
/// <param name="Rest">What all other tokens add.</param>
/// <param name="SharePerToken">Its part of magnitudes over its part of tokens: 1 where its tokens matter as others do.</param>
public sealed record CotAttribution(
    string Reasoning,
    MeanEstimate? Share,
    MeanEstimate? Sum,
    MeanEstimate? Rest,
    MeanEstimate? SharePerToken
);

/// <summary>Features of one dictionary on the token before the answer.</summary>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Site">Where it writes.</param>
/// <param name="Chains">Chains that were read.</param>
/// <param name="Active">Features active there with the full reasoning.</param>
/// <param name="Supporting">Those of them that add to the answer's logit.</param>
/// <param name="Effects">What is left of them with other reasoning.</param>
public sealed record CotFeatures(
    string Dictionary,
    string Site,
    int Chains,
    MeanEstimate? Active,
    MeanEstimate? Supporting,
    IReadOnlyList<CotFeatureEffect> Effects
);

/// <summary>Features with other reasoning, compared with those of the full one.</summary>
/// <param name="Reasoning">none, half, mistaken, shuffled or random.</param>
/// <param name="Overlap">Features active in both over those active in either.</param>
/// <param name="Support">What is left of what the supporting features add to the answer's logit; 1 for all.</param>
public sealed record CotFeatureEffect(string Reasoning, MeanEstimate? Overlap, MeanEstimate? Support);
