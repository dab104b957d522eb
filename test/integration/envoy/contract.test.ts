import { describeFrontServer } from '../../contract/front-server-contract.ts';
import { ENVOY, envoyRecipe } from './envoy-recipe.ts';

describeFrontServer('envoy', {
  programs: [ENVOY],
  minimal: envoyRecipe('minimal'),
  complete: envoyRecipe('complete'),
  traits: { passesStatusOn: true, patience: 8_000, tidiesPaths: true, http2: true, clientPort: 'handed-on' },
});
